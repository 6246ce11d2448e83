package lint

import (
	"bytes"
	"testing"

	"github.com/siegel-pki/siegel/internal/pkix"
)

// The story of this file: whatever the octets, lint judges and does not fall. What it reads it could write again, so nothing
// in a draft escapes its eye; and what it finds good, the other parser can read.

func FuzzX509(f *testing.F) {
	draft, context := goodDraft(f, "C.HCI.AUT.R2048")
	f.Add(draft.raw)
	f.Add(readX509(f, "testdata/real/80276001011699900861-C_SMCB_OSIG_E256_X509.pem").RawTBS)
	f.Add(readX509(f, "testdata/real/GEM.SMCB-CA57_TEST-ONLY.pem").RawTBS)
	f.Fuzz(func(t *testing.T, octets []byte) {
		findings := X509(octets, context)
		read, err := readTBS(octets)
		if err != nil {
			return
		}
		if again := read.encode(); !bytes.Equal(again, octets) {
			t.Errorf("read and written again:\n got %x\nwant %x", again, octets)
		}
		if len(findings) == 0 {
			if _, err := pkix.ParseTBSCertificate(octets); err != nil {
				t.Errorf("no findings, but the parser says: %v", err)
			}
		}
	})
}

func FuzzCVC(f *testing.F) {
	body, context := goodBody(f, cvcRole)
	f.Add(body.raw)
	f.Add(readCVCFile(f, "testdata/real/smcb-152725-autd.cvc").RawBody)
	f.Fuzz(func(t *testing.T, octets []byte) {
		findings := CVC(octets, context)
		read, err := readCVC(octets)
		if err != nil {
			if len(findings) != 1 {
				t.Errorf("octets cannot be read (%v) and have findings %v, want one", err, findings)
			}
			return
		}
		if again := read.encode(); !bytes.Equal(again, octets) {
			t.Errorf("read and written again:\n got %x\nwant %x", again, octets)
		}
	})
}
