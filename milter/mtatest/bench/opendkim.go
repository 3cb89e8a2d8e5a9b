package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
)

// openDKIM signs with a key of its own.
func openDKIM(w *world, e *entrant) ([]program, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	if err := os.WriteFile(filepath.Join(e.dir, "key.pem"), text, 0o600); err != nil {
		return nil, err
	}
	config, err := e.fill(w, "opendkim.conf", "conf")
	if err != nil {
		return nil, err
	}
	return []program{{exec.Command("opendkim", "-f", "-x", config), e.socket(), ""}}, nil
}
