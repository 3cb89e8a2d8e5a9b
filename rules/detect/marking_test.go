package detect

import (
	"strings"
	"testing"
)

const marked = "marking"

var markingSamples = []sample{
	{"OFFICIAL-SENSITIVE", marked},
	{"OFFICIAL SENSITIVE", marked},
	{"OFFICIAL - SENSITIVE", marked},
	{"OFFICIAL–SENSITIVE", marked},
	{"OFFICIAL — SENSITIVE", marked},
	{"OFFICIAL\u2011SENSITIVE", marked},
	{"OFFICIAL\u00a0SENSITIVE", marked},
	{"OFFICIAL\u00ad-\u200bSENSITIVE", marked},
	{"OFFICIAL:SENSITIVE", marked},
	{"OFFICIAL_SENSITIVE", marked},
	{"OFFICIAL (SENSITIVE)", marked},
	{"OFFICIAL [SENSITIVE]", marked},
	{"Official-Sensitive", marked},
	{"official sensitive", marked},
	{"  OFFICIAL-SENSITIVE  \r\n", marked},
	{"text\n\nOFFICIAL-SENSITIVE\n\ntext", marked},
	{"> OFFICIAL-SENSITIVE", marked},
	{">> > OFFICIAL-SENSITIVE", marked},
	{"*** OFFICIAL-SENSITIVE ***", marked},
	{"-----OFFICIAL-SENSITIVE-----", marked},
	{"| OFFICIAL-SENSITIVE |", marked},
	{"**OFFICIAL-SENSITIVE**", marked},
	{"a\tOFFICIAL-SENSITIVE\tb", marked},
	{"OFFICIAL-SENSITIVE: PERSONAL", marked},
	{"OFFICIAL-SENSITIVE: personal", marked},
	{"OFFICIAL-SENSITIVE - COMMERCIAL", marked},
	{"OFFICIAL-SENSITIVE [PERSONAL]", marked},
	{"OFFICIAL-SENSITIVE (when complete)", marked},
	{"OFFICIAL-SENSITIVE PERSONAL", marked},
	{"OFFICIAL SENSITIVE PERSONAL DATA", marked},
	{"OFFICIAL SENSITIVE – Board only", marked},
	{"OFFICIAL-SENSITIVE Page 1 of 3", marked},
	{"Page 1 of 3 OFFICIAL-SENSITIVE", marked},
	{"OFFICIAL-SENSITIVE 3", marked},
	{"UK OFFICIAL-SENSITIVE", marked},
	{"Classification: OFFICIAL-SENSITIVE", marked},
	{"Protective marking: OFFICIAL SENSITIVE", marked},
	{"This document is classified as OFFICIAL-SENSITIVE", marked},
	{"HANDLE AS OFFICIAL-SENSITIVE", marked},
	{"minutes [OFFICIAL-SENSITIVE] of the board, which met", marked},
	{"minutes [official sensitive: personal] of the board", marked},
	{"minutes (OFFICIAL-SENSITIVE)", marked},
	{"minutes [ OFFICIAL-SENSITIVE - COMMERCIAL ] of", marked},
	{"From: a\nSubject: minutes, OFFICIAL-SENSITIVE, of May\n", marked},
	{"> Subject: Re: OFFICIAL-SENSITIVE: minutes of May\n", marked},
	{"### OFFICIAL-SENSITIVE", marked},
	{"\"OFFICIAL-SENSITIVE\"", marked},
	{"!!! OFFICIAL-SENSITIVE !!!", marked},
	{"Trust | OFFICIAL-SENSITIVE | Page 1", marked},
	{"OFFICIAL-SENSITIVE\u2028text of the letter", marked},
	{"OFFICIAL-SENSITIVE (do not forward to anyone outside of the trust)", marked},
	{"OFFICIAL-SENSITIVE - please do not forward.", marked},
	{"Classification: OFFICIAL-SENSITIVE. Please handle with care.", marked},
	{"SECRET", marked},
	{"TOP SECRET", marked},
	{"TOP-SECRET", marked},
	{"> SECRET", marked},
	{"UK SECRET", marked},
	{"[SECRET]", marked},
	{"[TOP SECRET]", marked},
	{"the plan [SECRET] of", marked},
	{"SECRET - UK EYES ONLY", marked},
	{"SECRET: STRAP", marked},
	{"Classification: SECRET", marked},

	{"OFFICIAL", ""},
	{"[OFFICIAL]", ""},
	{"OFFICIAL: personal", ""},
	{"UNOFFICIAL-SENSITIVE", ""},
	{"OFFICIAL-SENSITIVES", ""},
	{"OFFICIALLY SENSITIVE", ""},
	{"OFFICIAL, SENSITIVE", ""},
	{"OFFICIAL\nSENSITIVE", ""},
	{"the official, sensitive answer", ""},
	{"Files marked OFFICIAL-SENSITIVE must be sent with [secure].", ""},
	{"OFFICIAL-SENSITIVE information must be encrypted before it is sent", ""},
	{"OFFICIAL-SENSITIVE is a marking.", ""},
	{"OFFICIAL-SENSITIVE.", ""},
	{"we use OFFICIAL-SENSITIVE", ""},
	{"is it OFFICIAL-SENSITIVE?", ""},
	{"our (OFFICIAL-SENSITIVE information is encrypted) rule", ""},
	{strings.Repeat("the ", 80) + "OFFICIAL-SENSITIVE", ""},
	{"TOP SECRET!", ""},
	{"# SECRET", ""},
	{"key | SECRET | value of the variable", ""},
	{"secret", ""},
	{"Secret", ""},
	{"Top Secret", ""},
	{"[secret]", ""},
	{"it is a secret", ""},
	{"THE SECRET IS OUT", ""},
	{"SECRET SANTA", ""},
	{"SECRET GARDEN NURSERY", ""},
	{"VICTORIA'S SECRET", ""},
	{"SECRET'S OUT", ""},
	{"CLIENT_SECRET", ""},
	{"SECRET_KEY", ""},
	{"SECRET=abc", ""},
	{"SECRET: abc123", ""},
	{"SECRETARY", ""},
	{"SECRETARY OF STATE", ""},
	{"TOP SECRETS", ""},
	{"Subject: SECRET SANTA", ""},
}

var subjectSamples = []sample{
	{"OFFICIAL-SENSITIVE: minutes", marked},
	{"Minutes OFFICIAL SENSITIVE", marked},
	{"Re: minutes of May, official-sensitive, for Tuesday", marked},
	{"[OFFICIAL-SENSITIVE] minutes", marked},
	{"SECRET", marked},
	{"Re: SECRET", marked},
	{"SECRET: minutes", marked},
	{"FW: TOP SECRET - minutes", marked},
	{"Minutes - SECRET", marked},
	{"Minutes [SECRET] of May", marked},
	{"OFFICIAL: minutes", ""},
	{"Secret: minutes", ""},
	{"SECRET SANTA", ""},
	{"THE SECRET OF", ""},
	{"THE SECRET", ""},
	{"Is it SECRET", ""},
	{"Re: 999 000 0018", "nhs-number 1, nhs-number-in-subject 1"},
	{"Patient 9990000018", "nhs-number 1, nhs-number-in-subject 1"},
	{"Order 9990000018", maybe},
}

func TestMarkings(t *testing.T) {
	for _, s := range markingSamples {
		if got := read(Body, s.text); got != s.want {
			t.Errorf("%q: got %q, want %q", s.text, got, s.want)
		}
	}
}

func TestSubjects(t *testing.T) {
	for _, s := range subjectSamples {
		if got := read(Subject, s.text); got != s.want {
			t.Errorf("%q: got %q, want %q", s.text, got, s.want)
		}
	}
}

func TestMargins(t *testing.T) {
	for _, s := range []sample{
		{"Anytown Trust OFFICIAL-SENSITIVE Page 1", marked},
		{"Anytown Trust\tSECRET\tPage 1", marked},
		{"SECRET | Anytown Trust", marked},
		{"SECRET GARDEN NURSERY", ""},
		{"Anytown Trust, 12 SECRET WAY", ""},
		{"Patient: Smith 9990000018", one},
	} {
		if got := read(Margin, s.text); got != s.want {
			t.Errorf("%q: got %q, want %q", s.text, got, s.want)
		}
	}
}

const guids = "MSIP_Label_0a1b_Enabled=true; MSIP_Label_0a1b_SetDate=2026-11-29T08:00:00Z;\r\n\tMSIP_Label_0a1b_Method=Privileged; MSIP_Label_0a1b_Name=Patient Data\\All; " +
	"MSIP_Label_9f8e_Name=Public;\r\n MSIP_Label_9f8e_Enabled=true;"

func TestFields(t *testing.T) {
	const label = "sensitivity"
	for _, s := range []struct{ name, value, want string }{
		{"Sensitivity", "Personal", label},
		{"sensitivity", " private ", label},
		{"Sensitivity", "Company-Confidential", label},
		{"Sensitivity", "company-confidential", label},
		{"Sensitivity", "Normal", ""},
		{"Sensitivity", "", ""},
		{"Importance", "Private", ""},
		{"msip_labels", guids, label},
		{"MSIP_Labels", strings.ReplaceAll(guids, "Patient Data\\All", "patient\r\n data"), label},
		{"msip_labels", strings.ReplaceAll(guids, "Patient Data\\All", "All\\Patient Data"), label},
		{"msip_labels", strings.ReplaceAll(guids, "9f8e", "5C5C"), label},
		{"msip_labels", strings.ReplaceAll(guids, "0a1b_Enabled=true", "0a1b_Enabled=False"), ""},
		{"msip_labels", strings.ReplaceAll(guids, "Patient", "Public"), ""},
		{"msip_labels", strings.ReplaceAll(guids, "Patient Data\\All", "OFFICIAL-SENSITIVE"), marked},
		{"msip_labels", "Patient Data", ""},
		{"X-Protective-Marking", "OFFICIAL-SENSITIVE", marked},
		{"X-Protective-Marking", "VER=2018.4, NS=gov.example, SEC=OFFICIAL:Sensitive,\r\n ORIGIN=a@example.org", marked},
		{"X-Protective-Marking", "SEC=SECRET", marked},
		{"x-protective-marking", "TOP SECRET", marked},
		{"X-Classification", "Official Sensitive", marked},
		{"X-Security-Label", "Secret", marked},
		{"X-Protective-Marking", "OFFICIAL", ""},
		{"X-Protective-Marking", "SEC=OFFICIAL, ORIGIN=secretary@example.org", ""},
		{"X-Other", "OFFICIAL-SENSITIVE", ""},
		{"Subject", "OFFICIAL-SENSITIVE", ""}, // the reader gives it as text
	} {
		d := New(Config{Labels: []string{"Patient data", "5c5c"}})
		d.Field(s.name, s.value)
		if got := findings(d); got != s.want {
			t.Errorf("%s: %s: got %q, want %q", s.name, s.value, got, s.want)
		}
	}
}
