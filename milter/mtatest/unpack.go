package mtatest

import (
	"fmt"
	"os/exec"
	"path/filepath"
)

// Unpack unpacks Debian packages below dir. "make test" has put their files into
// bin/debs of the checkout.
func Unpack(root, dir string, packages ...string) error {
	for _, name := range packages {
		debs, err := filepath.Glob(filepath.Join(root, "bin", "debs", name+"_*.deb"))
		if err != nil || len(debs) != 1 {
			return fmt.Errorf("%d files of the package %s in bin/debs, not one: run make bin/debs/complete", len(debs), name)
		}
		if out, err := exec.Command("dpkg", "-x", debs[0], dir).CombinedOutput(); err != nil {
			return fmt.Errorf("dpkg -x: %w: %s", err, out)
		}
	}
	return nil
}
