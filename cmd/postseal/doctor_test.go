package main

import (
	"strings"
	"testing"

	"github.com/postseal/postseal/cmd/postseal/config/configtest"
)

func TestDoctorCannotLook(t *testing.T) {
	empty := t.TempDir()
	good := configtest.Write(t, "local_domains = [\"trust.example\"]\n")
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"-config-directory", empty}, exitUsage, "cannot look: "},
		{[]string{"-sendmail-cf", empty + "/sendmail.cf"}, exitUsage, "cannot look: "},
		{[]string{"-sendmail-cf", empty}, exitUsage, "cannot look: " + empty + " is not a regular file"},
		{[]string{"-mta", "exim"}, exitUsage, `"exim" is not one of`},
		{[]string{"-mta", "sendmail", "-config-directory", empty}, exitUsage, "use one"},
		{[]string{"-json", "-log"}, exitUsage, "use only one"},
		{[]string{"more"}, exitUsage, "unexpected argument"},
		{[]string{"-config-directory", empty, "-config", configtest.Write(t, "[doctor]\naccept = [\"pikup\"]\n")}, exitConfig, "did you mean pickup?"},
	} {
		code, stdout, stderr := runWith("", append([]string{"doctor", "-config", good}, test.args...)...)
		if code != test.code || !strings.Contains(stderr, test.want) || stdout != "" {
			t.Errorf("%q: exit %d, %s%s", test.args, code, stdout, stderr)
		}
	}
}
