package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestInspectRealCertificates compares what inspect says about real certificates with what a person has read.
func TestInspectRealCertificates(t *testing.T) {
	t.Chdir("testdata/inspect")
	files, err := filepath.Glob("*.[pc][ev][mc]")
	if err != nil || len(files) < 8 {
		t.Fatalf("%d certificates, %v, want 8", len(files), err)
	}
	for _, name := range files {
		t.Run(name, func(t *testing.T) {
			r := siegel("", "inspect", name)
			if r.code != exitOK || r.err != "" {
				t.Fatalf("exit code %d: %s", r.code, r.err)
			}
			golden := strings.TrimSuffix(name, filepath.Ext(name)) + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(r.out), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if r.out != string(want) {
				t.Errorf("inspect says\n%s\nwant\n%s", r.out, want)
			}
		})
	}
}

// TestInspectFindsOutTheFormat gives the same certificate in several forms.
func TestInspectFindsOutTheFormat(t *testing.T) {
	const folder = "testdata/card/80276883110000152725/"
	der, err := os.ReadFile(folder + "issuers/GEM.RCA8.der")
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := os.ReadFile(folder + "issuers/x509.pem")
	if err != nil {
		t.Fatal(err)
	}
	const want = "subject      C=DE, O=gematik GmbH NOT-VALID, OU=Zentrale Root-CA der Telematikinfrastruktur, CN=GEM.RCA8 TEST-ONLY\n"
	siegel(string(der), "inspect", "-").want(t, exitOK, "-: X.509 certificate, ", want)
	r := siegel(string(bundle), "inspect", "-")
	r.want(t, exitOK, want, "CN=GEM.SMCB-CA57 TEST-ONLY\n")
	if n := strings.Count(r.out, "X.509 certificate, "); n != 2 {
		t.Errorf("%d certificates, want 2", n)
	}
}

func TestInspectRefuses(t *testing.T) {
	cv, err := os.ReadFile("testdata/inspect/SMC-B-AUTR-E256.cvc")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, data, want string }{
		{"text", "hello", "neither a certificate in DER nor PEM"},
		{"nothing", "", "neither a certificate in DER nor PEM"},
		{"half a certificate", "0\x82\x01\x00", "certificate"},
		{"half a CV certificate", string(cv[:100]), "invalid: "},
		{"CV certificate and more", string(cv) + "\x00", "invalid: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { siegel(tt.data, "inspect", "-").want(t, exitInvalid, tt.want) })
	}
	// One bad file does not hold up the others.
	siegel("hello", "inspect", "-", "testdata/inspect/SMC-B-AUTR-E256.cvc").want(t, exitInvalid, "ICCSN 80276883110000152725", "neither")
	siegel("", "inspect", "testdata/none").want(t, exitUsage, "no such file")
}

// TestColours are used on terminals only, and not where NO_COLOR is set; a buffer is no terminal.
func TestColours(t *testing.T) {
	r := siegel("", "inspect", "testdata/inspect/SMC-B-AUTR-E256.cvc")
	if strings.Contains(r.out, "\x1b") {
		t.Errorf("escape sequences on a pipe: %q", r.out)
	}
	var out bytes.Buffer
	term := &terminal{out: &out, colour: true}
	term.table([][]string{{"A", "LENGTH"}, {"äöü", "1"}, {"b", "10"}}, "LENGTH")
	if want := "\x1b[1mA    LENGTH\x1b[0m\näöü       1\nb        10\n"; out.String() != want {
		t.Errorf("table = %q, want %q", out.String(), want)
	}
}
