package debian_test

import (
	"debug/buildinfo"
	"encoding/json"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// component is one of an SBOM in the format CycloneDX.
type component struct {
	Type, Name, Version, Purl string
	Properties                []struct{ Name, Value string }
}

// testSBOM compares the SBOM of the package with the program of the package.
func testSBOM(t *testing.T, s checkout, deb string) {
	dir := t.TempDir()
	s.sh(t, `dpkg-deb -x "$0" "$1"`, deb, dir)
	info, err := buildinfo.ReadFile(filepath.Join(dir, "usr", "sbin", "postseal"))
	if err != nil {
		t.Fatal(err)
	}
	var sbom struct {
		BOMFormat, SpecVersion string
		Version                int
		Metadata               struct {
			Timestamp time.Time
			Component component
		}
		Components []component
	}
	text := read(t, filepath.Join(dir, "usr", "share", "doc", "postseal", "postseal.cdx.json"))
	if err := json.Unmarshal(text, &sbom); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if sbom.BOMFormat != "CycloneDX" || sbom.SpecVersion != "1.5" || sbom.Version != 1 || sbom.Metadata.Timestamp.IsZero() {
		t.Errorf("got the head of %s", text)
	}
	show := func(kind, name, version, purl, sum string) string {
		return strings.Join([]string{kind, name, version, purl, sum}, " ")
	}
	identity := func(kind, name, version, sum string) string {
		return show(kind, name, version, "pkg:golang/"+name+"@"+strings.ReplaceAll(version, "+", "%2B"), sum)
	}
	want := []string{
		identity("application", info.Main.Path, info.Main.Version, ""),
		identity("library", "stdlib", strings.TrimPrefix(runtime.Version(), "go"), ""),
	}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		want = append(want, identity("library", m.Path, m.Version, m.Sum))
	}
	var got []string
	for _, c := range append([]component{sbom.Metadata.Component}, sbom.Components...) {
		sum := ""
		if len(c.Properties) == 1 && c.Properties[0].Name == "go.sum" {
			sum = c.Properties[0].Value
		}
		got = append(got, show(c.Type, c.Name, c.Version, c.Purl, sum))
	}
	if len(info.Deps) == 0 || !slices.Equal(got, want) {
		t.Errorf("the SBOM has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// testChangedModule makes the package on a machine on which somebody has changed a file
// of a module.
func testChangedModule(t *testing.T, s checkout) {
	cache := t.TempDir()
	const module = "github.com/lmittmann/tint"
	changed := s.sh(t, `
modules=$(go env GOMODCACHE)
source=$(go list -m -f '{{.Dir}}' "$1")
ln -s "$modules/cache" "$0/cache"
changed=$0/${source#"$modules"/}
mkdir -p "$(dirname "$changed")"
cp -R "$source" "$changed"
chmod -R u+w "$changed"
echo "// changed" >>"$changed/handler.go"
echo "$changed"`, cache, module)
	s.env = append(s.env, "GOMODCACHE="+cache, "GOFLAGS=-modcacherw", "GOPROXY=off")
	out, err := s.command("make package").CombinedOutput()
	if err == nil || !strings.Contains(string(out), module) || !strings.Contains(string(out), "dir has been modified") {
		t.Errorf("%s has changed: got %v\n%s", changed, err, out)
	}
}
