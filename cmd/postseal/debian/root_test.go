package debian_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/postseal/postseal/milter/mtatest"
)

// system is the directory of a small Debian without systemd.
type system string

// newDebian unpacks the Debian that make test has built.
func newDebian(t *testing.T) system {
	t.Helper()
	root, err := mtatest.Root()
	if err != nil {
		t.Fatal(err)
	}
	// Not t.TempDir, because its path would make the socket's path too long.
	dir, err := os.MkdirTemp("", "postseal-debian-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if out, err := exec.Command("tar", "-C", dir, "-xf", filepath.Join(root, "bin", "debian.tar")).CombinedOutput(); err != nil {
		t.Fatalf("tar: %v: make test makes it first, and runs this test as root\n%s", err, out)
	}
	return system(dir)
}

func (d system) path(name string) string { return filepath.Join(string(d), name) }

func (d system) read(t *testing.T, name string) string {
	t.Helper()
	return string(read(t, d.path(name)))
}

func (d system) write(t *testing.T, name, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(d.path(name)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(d.path(name), []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// command is a program inside. name is its full path.
func (d system) command(args ...string) *exec.Cmd {
	return &exec.Cmd{
		Path:        args[0],
		Args:        args,
		Dir:         "/",
		Env:         []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive"},
		SysProcAttr: &syscall.SysProcAttr{Chroot: string(d)},
	}
}

func (d system) run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := d.command(args...).Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// install installs or upgrades the package, and keeps the configuration. dpkg
// must not warn, except that the version is older than the installed one.
func (d system) install(t *testing.T, deb string) (output string) {
	t.Helper()
	d.write(t, "/tmp/postseal.deb", string(read(t, deb)), 0o644)
	out, err := d.command("/usr/bin/dpkg", "--force-unsafe-io", "--force-confold", "-i", "/tmp/postseal.deb").CombinedOutput()
	if err != nil || bytes.Contains(out, []byte("warning")) {
		t.Fatalf("%s: %v\n%s", deb, err, out)
	}
	if err := os.Remove(d.path("/tmp/postseal.deb")); err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// traces are files that dpkg and adduser leave.
var traces = strings.Fields("/etc/passwd- /etc/shadow- /etc/group- /etc/gshadow- /run/adduser /var/log/dpkg.log")

// files lists all files with type, mode and owner, except traces.
func (d system) files(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(string(d), func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(path, string(d))
		if slices.Contains(traces, name) {
			return nil
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		stat := info.Sys().(*syscall.Stat_t)
		files[name] = fmt.Sprintf("%v %d:%d", info.Mode(), stat.Uid, stat.Gid)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// unit returns the value of a key in a unit file, from its last line.
func (d system) unit(t *testing.T, name, key string) string {
	t.Helper()
	var value string
	for line := range strings.Lines(d.read(t, "/usr/lib/systemd/system/"+name)) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), "="); ok && k == key {
			value = v
		}
	}
	if value == "" {
		t.Fatalf("%s has no %s", name, key)
	}
	return value
}

// user returns the user and group ID of a user in /etc/passwd.
func (d system) user(t *testing.T, name string) (id syscall.Credential, entry string) {
	t.Helper()
	for line := range strings.Lines(d.read(t, "/etc/passwd")) {
		if strings.HasPrefix(line, name+":") {
			if _, err := fmt.Sscanf(strings.Split(line, ":")[2]+" "+strings.Split(line, ":")[3], "%d %d", &id.Uid, &id.Gid); err != nil {
				t.Fatal(err)
			}
			return id, strings.TrimSpace(line)
		}
	}
	t.Fatalf("there is no user %s", name)
	return id, ""
}
