package address_test

import (
	"testing"

	"github.com/postseal/postseal/rules/address"
)

func TestIsConsumerMail(t *testing.T) {
	for name, want := range map[string]bool{
		"gmail.com": true, "googlemail.com": true, "outlook.com": true, "hotmail.com": true, "hotmail.co.uk": true,
		"live.fr": true, "yahoo.com": true, "yahoo.co.uk": true, "yahoo.com.au": true, "ymail.com": true,
		"icloud.com": true, "aol.com": true, "btinternet.com": true, "proton.me": true, "gmx.net": true,
		"mail.yahoo.co.uk": true, "aol.co.uk": true, "aol.de": true, "t-online.de": true, "orange.fr": true,

		"live.nhs.uk": false, "outlook.nhs.uk": false, "yahoo.gov.uk": false, "live.co.example": false,
		"hotmail.example": false, "notgmail.com": false, "gmail.com.example": false, "gmail": false, "com": false, "uk": false,
		"nhs.net": false, "trust.onmicrosoft.com": false, "live": false,
	} {
		if got := address.IsConsumerMail(name); got != want {
			t.Errorf("%s: got %t, want %t", name, got, want)
		}
	}
}
