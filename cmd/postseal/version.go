package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
)

// version returns the version of the module. Go also records it in a build from a
// checkout: the tag, or the time and hash of the commit, and "+dirty" if files
// were modified. It is "(devel)" if there is no version control.
func version() string {
	var module debug.Module
	if info, ok := debug.ReadBuildInfo(); ok {
		module = info.Main
	}
	return cmp.Or(module.Version, "(devel)")
}

func versionLine() string {
	return fmt.Sprintf("postseal %s, built with %s\n", version(), runtime.Version())
}
