package mtatest_test

import (
	"net"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// aliases are the CNAMEs.
var aliases = map[string]string{
	"mail.council.gov.uk.": "outlook.com.",
	"www.foo.com.":         "foo.com.",
	"alias.nhs.net.":       "gmail.com.",
	"clinic.example.":      "nhs.net.",
}

// startDNS answers all DNS queries on 127.0.0.1, port 53. The site's own domain
// has a wildcard, nothing below "invalid" exists, and every other name does.
func startDNS() (stop func() error, err error) {
	c, err := net.ListenPacket("udp4", "127.0.0.1:53")
	if err != nil {
		return nil, err
	}
	go func() {
		packet := make([]byte, 1500)
		for {
			n, from, err := c.ReadFrom(packet)
			if err != nil {
				return
			}
			if answer, err := answerDNS(packet[:n]); err == nil {
				c.WriteTo(answer, from)
			}
		}
	}()
	return c.Close, nil
}

func answerDNS(packet []byte) ([]byte, error) {
	var p dnsmessage.Parser
	header, err := p.Start(packet)
	if err != nil {
		return nil, err
	}
	question, err := p.Question()
	if err != nil {
		return nil, err
	}
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: header.ID, Response: true, Authoritative: true, RecursionAvailable: true},
		Questions: []dnsmessage.Question{question},
	}
	if !resourcesOf(question, &m.Answers) {
		m.RCode = dnsmessage.RCodeNameError
	}
	return m.Pack()
}

// resourcesOf adds the records that answer a question. It reports whether the
// name exists.
func resourcesOf(q dnsmessage.Question, answers *[]dnsmessage.Resource) bool {
	add := func(name dnsmessage.Name, body dnsmessage.ResourceBody) {
		*answers = append(*answers, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: name, Class: dnsmessage.ClassINET, TTL: 60}, Body: body,
		})
	}
	name := q.Name
	if target, ok := aliases[strings.ToLower(name.String())]; ok {
		next := dnsmessage.MustNewName(target)
		add(name, &dnsmessage.CNAMEResource{CNAME: next})
		name = next
	}
	lower := strings.ToLower(name.String())
	if strings.HasSuffix(lower, "invalid.") || strings.HasSuffix(lower, ".arpa.") {
		return false
	}
	switch q.Type {
	case dnsmessage.TypeA:
		add(name, &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}})
	case dnsmessage.TypeMX:
		add(name, &dnsmessage.MXResource{Pref: 10, MX: name})
	}
	return true
}
