package lint

import (
	"bytes"
	"testing"
)

// The story of this file: octets that cannot be read, and slots and kinds that do not exist, have one finding.

func TestOctetsThatAreNoDraft(t *testing.T) {
	draft, context := goodDraft(t, "C.HCI.AUT.R2048")
	whole := draft.encode()
	for name, octets := range map[string][]byte{"nothing": nil, "cut": whole[:len(whole)-1], "one more": append(bytes.Clone(whole), 0)} {
		t.Run(name, func(t *testing.T) { wantOnly(t, X509(octets, context), "TBS_SHAPE") })
	}
	t.Run("slot of another card", func(t *testing.T) {
		wantOnly(t, X509(whole, X509Context{Slot: "C.HCI.QES.E256", Issuer: context.Issuer}), "SLOT_KNOWN")
	})
	t.Run("unknown kind", func(t *testing.T) {
		wantOnly(t, X509(whole, X509Context{Kind: "C.HP.AUT", Issuer: context.Issuer}), "KIND_KNOWN")
	})
}

func TestOctetsThatAreNoBody(t *testing.T) {
	body, context := goodBody(t, cvcRole)
	whole := body.encode()
	for name, octets := range map[string][]byte{
		"nothing": nil, "cut": whole[:len(whole)-1], "one more": append(bytes.Clone(whole), 0),
		"object missing": object([]byte{0x7F, 0x4E}, object([]byte{0x5F, 0x29}, []byte{0x70})),
		"long length":    append([]byte{0x7F, 0x4E, 0x82, 0x00}, whole[3:]...),
	} {
		t.Run(name, func(t *testing.T) { wantOnly(t, CVC(octets, context), "CVC_SHAPE") })
	}
	context.Slot = "C.SMC.AUTR_CVC.E512"
	t.Run("unknown slot", func(t *testing.T) { wantOnly(t, CVC(whole, context), "SLOT_KNOWN") })
}

func wantOnly(t *testing.T, findings []Finding, rule string) {
	t.Helper()
	if len(findings) != 1 || findings[0].Rule != rule || findings[0].Level != Error {
		t.Errorf("got %v, want one error of %s", findings, rule)
	}
}

// TestEncoderAddsNothing shows that the encoder of these tests gives back what was read, so that spoilt drafts have the one fault.
func TestEncoderAddsNothing(t *testing.T) {
	draft, _ := goodDraft(t, "C.HCI.AUT.R2048")
	if got := draft.encode(); !bytes.Equal(got, draft.raw) {
		t.Errorf("draft encoded again:\n got %x\nwant %x", got, draft.raw)
	}
	body, _ := goodBody(t, cvcRole)
	if got := body.encode(); !bytes.Equal(got, body.raw) {
		t.Errorf("body encoded again:\n got %x\nwant %x", got, body.raw)
	}
}
