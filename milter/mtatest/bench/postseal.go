package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/postseal/postseal/milter/mtatest"
)

// Policies without findings: postseal does not receive the body.
const (
	tagRest = `
[[policy]]
name   = "marked"
marker = ["present", "near-miss"]
action = "divert"

[[policy]]
name   = "unmarked"
action = "tag"
`
	divertRest = `
[[policy]]
name   = "all"
action = "divert"
`
)

// shipped are the policies of a configuration without any. They have findings.
const shipped = ""

// beside is an MTA whose directories are a rival's own, because each postseal has
// its own configuration.
type beside struct {
	mtatest.MTA
	dir string
}

func (b beside) Directory() string { return b.dir }
func (b beside) SocketDir() string { return b.dir }

// postseal is the daemon with contrib's configuration, the table as its accredited
// list, and the policies.
func postseal(mode, policies string) starter {
	return func(w *world, e *entrant) ([]program, error) {
		binary, err := w.built(e, "postseal", func() (string, error) { return mtatest.Build(w.root, w.bin) })
		if err != nil {
			return nil, err
		}
		config, err := mtatest.Install(beside{w.postfix, e.dir}, mtatest.DaemonOptions{Root: w.root, Mode: mode, TOML: policies})
		if err != nil {
			return nil, err
		}
		var list strings.Builder
		list.WriteString("Organisation Name,Domain name\n")
		for i, domain := range table() {
			fmt.Fprintf(&list, "Organisation %d,%s\n", i, domain)
		}
		accredited := filepath.Join(e.dir, "lib-postseal", "accredited.csv")
		if err := os.WriteFile(accredited, []byte(list.String()), 0o644); err != nil {
			return nil, err
		}
		serve := exec.Command(binary, "serve", "-config", config)
		// The socket accepts root's connections before it belongs to Postfix's group.
		return []program{{serve, e.socket(), `"msg":"started"`}}, nil
	}
}
