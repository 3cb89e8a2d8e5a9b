//go:build graphs

package report

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// probe writes into the page which elements do not fit.
const probe = `<script>
const wide = document.documentElement.clientWidth, bad = [];
if (document.documentElement.scrollWidth > wide + 1) bad.push("page " + document.documentElement.scrollWidth);
for (const e of document.querySelectorAll("body *")) {
  const b = e.getBoundingClientRect();
  if (b.width && (b.right > wide + 0.5 || b.left < -0.5 || e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display.match(/block|cell|grid/)))
    bad.push(e.tagName + "." + e.getAttribute("class") + " " + Math.round(b.left) + " to " + Math.round(b.right) + " " + e.textContent.slice(0, 40));
}
for (const s of document.querySelectorAll("svg[role=img]")) {
  let last = -1;
  for (const e of s.querySelectorAll("text[text-anchor=middle]")) {
    const b = e.getBoundingClientRect();
    if (b.left < last) bad.push("labels overlap: " + e.textContent);
    last = b.right;
  }
  const box = s.getBoundingClientRect();
  for (const e of s.querySelectorAll("text, rect")) {
    const b = e.getBoundingClientRect();
    if (b.left < box.left - 0.5 || b.right > box.right + 0.5 || b.top < box.top - 0.5 || b.bottom > box.bottom + 0.5) bad.push("outside its chart: " + e.outerHTML);
  }
}
document.body.textContent = "WIDTH " + wide + " BAD " + bad.join("\n") + " END";
</script></body>`

// chromium opens a page, and returns what it prints.
func chromium(t *testing.T, path string, args ...string) string {
	t.Helper()
	args = append([]string{"--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--user-data-dir=" + t.TempDir()}, args...)
	cmd := exec.Command("chromium", append(args, "file://"+path)...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// TestPageFits opens pages on screens and as A4 prints them, and looks for anything that
// does not fit.
func TestPageFits(t *testing.T) {
	found := regexp.MustCompile(`(?s)WIDTH (\d+) BAD (.*) END`)
	for name, r := range map[string]*Report{"month": crowded(30), "ten years": crowded(3650)} {
		text := pageOf(t, r)
		path := filepath.Join(t.TempDir(), "page.html")
		open := func(text, width string) {
			t.Helper()
			text = strings.Replace(text, "default-src 'none'; ", "", 1)
			if err := os.WriteFile(path, []byte(strings.Replace(text, "</body>", probe, 1)), 0o644); err != nil {
				t.Fatal(err)
			}
			switch got := found.FindStringSubmatch(chromium(t, path, "--window-size="+width+",1000", "--dump-dom")); {
			case len(got) == 0 || got[1] != width:
				t.Errorf("%s at %s: the browser shows %q", name, width, got)
			case got[2] != "":
				t.Errorf("%s at %s: %.2000s", name, width, got[2])
			}
		}
		open(text, "1280")
		open(text, "500")
		// A4 without its margins, with the rules for print.
		open(strings.Replace(text, "@media print", "@media all", 1), "672")

		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		printed := filepath.Join(t.TempDir(), "page.pdf")
		chromium(t, path, "--no-pdf-header-footer", "--print-to-pdf="+printed)
		pdf, err := os.ReadFile(printed)
		if err != nil {
			t.Fatal(err)
		}
		pages := regexp.MustCompile(`/MediaBox \[0 0 (\d+)[.\d]* (\d+)[.\d]*\]`).FindAllStringSubmatch(string(pdf), -1)
		if len(pages) < 4 || pages[0][1] != "594" && pages[0][1] != "595" || pages[0][2] != "841" && pages[0][2] != "842" {
			t.Errorf("%s: printed on %q", name, pages)
		}
	}
}
