package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
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

// TestInspectJSON prints one array of files, the one that cannot be read among them.
func TestInspectJSON(t *testing.T) {
	r := siegel("hello", "inspect", "--json", "testdata/inspect/hospital-pharmacy-ENC-E256.pem", "-", "testdata/inspect/SMC-B-AUTR-E256.cvc",
		"testdata/inspect/HBA-AUTR-R2048.cvc", "testdata/card/80276883110000152725/issuers/x509.pem")
	r.want(t, exitInvalid, "-: neither a certificate")
	var files []inspectedFile
	dec := json.NewDecoder(strings.NewReader(r.out))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&files); err != nil || len(files) != 5 {
		t.Fatalf("%d files, %v, want 5:\n%s", len(files), err, r.out)
	}
	words := strings.Split(siegel("", "inspect", "testdata/inspect/hospital-pharmacy-ENC-E256.pem").out, "\n")
	if x := files[0].Certificates[0]; x.Format != "x509" || !strings.Contains(x.Subject, "CN=") || len(x.SHA256) != 64 || x.NotBefore >= x.NotAfter ||
		!slices.Equal(x.Says, words[1:len(words)-1]) {
		t.Errorf("the X.509 certificate is %+v", x)
	}
	if f := files[1]; f.File != "-" || f.Certificates != nil || !strings.Contains(f.Error, "neither a certificate") {
		t.Errorf("the text is %+v", f)
	}
	if c := files[2].Certificates[0]; c.Format != "cvc" || c.ICCSN != "80276883110000152725" || c.NotBefore != "2023-10-27" || c.NotAfter != "2028-10-26" ||
		c.CAR != "DEGXX 1-3-02-23" || c.Octets != 222 {
		t.Errorf("the CV certificate is %+v", c)
	}
	if c := files[3].Certificates[0]; c.Format != "cvc-g1" || c.ICCSN == "" || c.NotBefore != "" || c.CAR == "" {
		t.Errorf("the CV certificate of generation 1 is %+v", c)
	}
	if n := len(files[4].Certificates); n != 2 {
		t.Errorf("%d certificates in the bundle, want 2", n)
	}
}

// TestColours are used on terminals only, and not where NO_COLOR is set; a buffer is no terminal.
func TestColours(t *testing.T) {
	r := siegel("", "inspect", "testdata/inspect/SMC-B-AUTR-E256.cvc")
	if strings.Contains(r.out, "\x1b") {
		t.Errorf("escape sequences on a pipe: %q", r.out)
	}
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0) // a character device, and no terminal
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if paletteOf(null) {
		t.Error("/dev/null gets colours")
	}
	var out bytes.Buffer
	term := &terminal{out: &out, palette: true}
	term.table([][]string{{"A", "LENGTH"}, {"äöü", "1"}, {"b", "10"}}, "LENGTH")
	if want := "\x1b[1mA    LENGTH\x1b[0m\näöü       1\nb        10\n"; out.String() != want {
		t.Errorf("table = %q, want %q", out.String(), want)
	}
}

// TestColoursOfEachStream: errors keep theirs where the answer goes to a file, and lose them where they go to one.
func TestColoursOfEachStream(t *testing.T) {
	tty, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal("this test needs pseudo terminals (/dev/ptmx): ", err)
	}
	defer tty.Close()
	t.Setenv("NO_COLOR", "")
	var buffer bytes.Buffer
	if term := newTerminal(nil, &buffer, tty); bool(term.palette) || !bool(term.onErr) {
		t.Errorf("answer to a buffer, errors to a terminal: colours %v and %v", term.palette, term.onErr)
	}
	if term := newTerminal(nil, tty, &buffer); !bool(term.palette) || bool(term.onErr) {
		t.Errorf("answer to a terminal, errors to a buffer: colours %v and %v", term.palette, term.onErr)
	}
	term := &terminal{err: &buffer, palette: true}
	term.explain(errors.New("gone"))
	if got := buffer.String(); got != "siegel: gone\n" {
		t.Errorf("the error in a file is %q", got)
	}
	t.Setenv("NO_COLOR", "1")
	if paletteOf(tty) {
		t.Error("colours in spite of NO_COLOR")
	}
}
