package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is that of the module. Go stamps it into a build from a checkout as
// well: the tag, or the time and name of the commit, and "+dirty" where files
// were modified. It is "(devel)" where there is no version control.
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
