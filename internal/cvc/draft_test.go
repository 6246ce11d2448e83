package cvc

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
)

// TestAnnotateDraft lists the body of a real certificate: the very lines that the whole certificate has for it, one level further out.
func TestAnnotateDraft(t *testing.T) {
	raw := loadVectors(t).named(t, "ee-SMC-B-80276883110000152725-0009-device").Hex
	c, err := Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	var draft, whole bytes.Buffer
	if err := AnnotateDraft(&draft, c.RawBody); err != nil {
		t.Fatal(err)
	}
	if err := Annotate(&whole, raw); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(draft.String(), "\n"), "\n")
	above := strings.Split(whole.String(), "\n")
	for i, line := range lines {
		if got, want := strings.Fields(line), strings.Fields(above[i+1]); strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("line %d is %q, want %q", i+1, line, above[i+1])
		}
	}
	if !strings.Contains(lines[len(lines)-1], "20") || len(lines) < 20 {
		t.Errorf("the listing ends with %q after %d lines", lines[len(lines)-1], len(lines))
	}
}

// TestAnnotateDraftG1 lists the messages of real certificates of generation 1: joined together, the hex of a listing is the message.
func TestAnnotateDraftG1(t *testing.T) {
	v := loadVectors(t)
	for name, want := range map[string][]string{
		"g1-ee-HBA-80276883110000017289":                 {"= card", "exponent 65537", "= role identifier 00: insured person (eGK)", "ICCSN 80276883110000017289"},
		"g1-ca-4445474558100115-in-80276883110000017289": {"= CA", "= DEGEX", "sigS_ISO9796-2Withrsa_sha256"},
	} {
		message := []byte(v.named(t, name).Decoded.Message)
		var out bytes.Buffer
		if err := AnnotateDraft(&out, message); err != nil {
			t.Fatal(err)
		}
		var octets []byte
		for line := range strings.Lines(out.String()) {
			if b, err := hex.DecodeString(strings.TrimSpace(line)); err == nil {
				octets = append(octets, b...)
			}
		}
		if !bytes.Equal(octets, message) {
			t.Errorf("%s: the hex of the listing is\n%x\nwant\n%x", name, octets, message)
		}
		for _, w := range want {
			if !strings.Contains(out.String(), w) {
				t.Errorf("%s: the listing has no %q:\n%s", name, w, &out)
			}
		}
	}
}

func TestAnnotateDraftOfSomethingElse(t *testing.T) {
	for _, draft := range []string{"", "0", "\x7f\x4e\x03\x5f\x29\x00", strings.Repeat("x", 294)} {
		var out bytes.Buffer
		if err := AnnotateDraft(&out, []byte(draft)); err == nil || !strings.Contains(out.String(), "invalid: ") {
			t.Errorf("%x: error is %v, listing\n%s", draft, err, &out)
		}
	}
}
