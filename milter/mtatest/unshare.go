package mtatest

import (
	"os"
	"os/exec"
	"syscall"
)

// Unshare starts the program again with namespaces of its own, by unshare(1) with the
// options. It returns nil in that program, which has the variable in its environment.
func Unshare(variable string, options ...string) error {
	if os.Getenv(variable) != "" {
		return nil
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	unshare, err := exec.LookPath("unshare")
	if err != nil {
		return err
	}
	args := append(append([]string{"unshare"}, options...), self)
	return syscall.Exec(unshare, append(args, os.Args[1:]...), append(os.Environ(), variable+"=1"))
}
