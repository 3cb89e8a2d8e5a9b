package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestExplainNamesTheNearMiss(t *testing.T) {
	for _, test := range []struct {
		name, config, subject string
		marker, nearMiss      string
	}{
		{"present", "", "[secure] x", "present", ""},
		{"near miss", "", "(secure) x", "near-miss", "wrong-brackets"},
		{"undecodable", "", "=?x-none?B?W3NlY3VyZV0=?=", "near-miss", "undecodable"},
		{"some fields", "", "[secure] x\r\nSubject: y", "near-miss", "some-fields"},
		{"shipped others", "", "[rw4encrypt] x", "near-miss", "other-marker"},
		{"own others", "[marker]\nothers = [\"zebra\"]\n", "[Zebra] x", "near-miss", "other-marker"},
		{"own others replace the shipped", "[marker]\nothers = [\"zebra\"]\n", "[encrypt] x", "missing", ""},
		{"no others", "[marker]\nothers = []\n", "[encrypt] x", "missing", ""},
		{"start", "[marker]\nposition = \"start\"\n", "x [secure]", "near-miss", "not-at-start"},
	} {
		t.Run(test.name, func(t *testing.T) {
			config := filepath.Join(t.TempDir(), "postseal.toml")
			if err := os.WriteFile(config, []byte(test.config), 0o600); err != nil {
				t.Fatal(err)
			}
			var out, errors bytes.Buffer
			message := strings.NewReader("Subject: " + test.subject + "\r\n\r\nbody\r\n")
			code := explain([]string{"-config", config, "-json", "-from", "a@trust.example", "-to", "b@other.example", "-"},
				stdio{in: message, out: &out, err: &errors})
			if code != exitDone {
				t.Fatalf("got exit %d: %s", code, errors.String())
			}
			var got struct {
				Marker   string  `json:"marker"`
				NearMiss *string `json:"near_miss"`
			}
			if err := json.Unmarshal(out.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			if got.Marker != test.marker || got.NearMiss == nil || *got.NearMiss != test.nearMiss {
				t.Errorf("got %s, want %s %q", out.String(), test.marker, test.nearMiss)
			}
		})
	}
}
