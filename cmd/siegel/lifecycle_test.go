package main

import (
	"context"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

const lifeICCSN = "80276001011699900861"

func (f *fakeServer) GetCardStatus(context.Context, *siegelv1.GetCardStatusRequest) (*siegelv1.GetCardStatusResponse, error) {
	return &siegelv1.GetCardStatusResponse{Status: f.life}, nil
}

func (f *fakeServer) ActivateCard(_ context.Context, r *siegelv1.ActivateCardRequest) (*siegelv1.ActivateCardResponse, error) {
	f.changes = append(f.changes, r)
	f.life.State, f.life.Activation = siegelv1.CardState_CARD_STATE_ACTIVE, &siegelv1.StatusChange{RequestedAt: from, EffectiveAt: from, Operator: "desk-1"}
	for _, c := range f.life.Certificates {
		c.State = siegelv1.CardState_CARD_STATE_ACTIVE
	}
	return &siegelv1.ActivateCardResponse{Status: f.life}, nil
}

func (f *fakeServer) RevokeCard(_ context.Context, r *siegelv1.RevokeCardRequest) (*siegelv1.RevokeCardResponse, error) {
	f.changes = append(f.changes, r)
	f.life.State, f.life.Revocation = siegelv1.CardState_CARD_STATE_REVOKED, revokedBy(r.GetRequester(), r.GetReason())
	for _, c := range f.life.Certificates {
		c.State = siegelv1.CardState_CARD_STATE_REVOKED
	}
	return &siegelv1.RevokeCardResponse{Status: f.life}, nil
}

func (f *fakeServer) RevokeCertificate(_ context.Context, r *siegelv1.RevokeCertificateRequest) (*siegelv1.RevokeCertificateResponse, error) {
	f.changes = append(f.changes, r)
	c := f.life.Certificates[0]
	c.State, c.Alone, c.Revocation = siegelv1.CardState_CARD_STATE_REVOKED, true, revokedBy(r.GetRequester(), r.GetReason())
	return &siegelv1.RevokeCertificateResponse{Status: c}, nil
}

func revokedBy(requester, reason string) *siegelv1.Revocation {
	return &siegelv1.Revocation{Change: &siegelv1.StatusChange{RequestedAt: from, EffectiveAt: from, Operator: "revocation-1"}, Requester: requester, Reason: reason}
}

// issuedLife is a card that is issued and not active.
func issuedLife() *siegelv1.CardStatus {
	return &siegelv1.CardStatus{Iccsn: lifeICCSN, CardType: "smcb-g2.1", Sector: "dkg", State: siegelv1.CardState_CARD_STATE_ISSUED,
		Certificates: []*siegelv1.CertificateStatus{
			{Slot: "C.HCI.AUT.E256", Issuer: "CA", Serial: "00ff", State: siegelv1.CardState_CARD_STATE_ISSUED},
			{Slot: "C.HCI.ENC.E256", Issuer: "CA", Serial: "01ff", State: siegelv1.CardState_CARD_STATE_ISSUED},
		},
		NotRevocable: []*siegelv1.NotRevocable{{Slot: "C.SMC.AUTR_CVC.E256", Chr: "0006" + lifeICCSN}}}
}

func TestActivate(t *testing.T) {
	f := (&fakeServer{life: issuedLife()}).serve(t)
	f.siegel("activate", lifeICCSN, "--reference", "B-1", "--requested", "2026-11-24T09:00:00Z").want(t, exitOK, `card 80276001011699900861  smcb-g2.1, dkg: active
active since 2026-12-01T00:00:00Z, by desk-1
SLOT                 ISSUER  SERIAL OR CHR             STATUS
C.HCI.AUT.E256       CA      00ff                      active
C.HCI.ENC.E256       CA      01ff                      active
C.SMC.AUTR_CVC.E256          000680276001011699900861  cannot be revoked: ends with its term
`)
	if r := f.changes[0].(*siegelv1.ActivateCardRequest); r.GetReference() != "B-1" || r.GetRequestedAt().GetSeconds() != 1795510800 || r.GetIccsn() != lifeICCSN {
		t.Errorf("the request was %v", r)
	}
	f.siegel("activate", lifeICCSN).want(t, exitUsage, "--reference")
	f.siegel("--json", "activate", lifeICCSN, "--reference", "B-1").want(t, exitOK, `"state": "CARD_STATE_ACTIVE"`)
}

func TestRevoke(t *testing.T) {
	f := (&fakeServer{life: issuedLife()}).serve(t)
	command := []string{"revoke", lifeICCSN, "--requester", "holder", "--reason", "lost", "--reference", "T-1"}
	with := func(more ...string) result { return f.siegel(append(command, more...)...) }

	with("--dry-run").want(t, exitOK, "would revoke card 80276001011699900861 (smcb-g2.1, dkg, issued) with 2 X.509 certificates\n", "dkg: issued\n")
	with("--dry-run", "--slot", "C.HCI.AUT.E256").want(t, exitOK, "would revoke C.HCI.AUT.E256 of card 80276001011699900861 (issuer CA, serial number 00ff, issued) alone\n")
	with().want(t, exitUsage, "run it at a terminal, or with --yes")
	with("--yes", "--slot", "C.SMC.AUTR_CVC.E256").want(t, exitInvalid, "cannot be revoked (gemKPT_PKI_TIP, section 2.9.1)")
	with("--yes", "--slot", "C.HCI.AUT.R2048").want(t, exitInvalid, "the card has no X.509 certificate in slot C.HCI.AUT.R2048")
	f.siegel("revoke", lifeICCSN, "--requester", "holder", "--reason", "certificate-hold", "--reference", "T-1", "--dry-run").want(t, exitInvalid, "NO_SUSPENSION", "GS-A_4965")
	f.siegel("revoke", lifeICCSN, "--requester", "gematik", "--reason", "lost", "--reference", "T-1", "--yes").want(t, exitInvalid, "NOT_ENTITLED", "approval-lost")
	if f.changes != nil {
		t.Fatalf("the requests were %v, want none", f.changes)
	}

	with("--yes", "--slot", "C.HCI.AUT.E256").want(t, exitOK, "dkg: issued\n",
		"00ff                      revoked alone since 2026-12-01T00:00:00Z, by revocation-1: lost, asked for by holder at 2026-12-01T00:00:00Z\n",
		"01ff                      issued\n")
	with("--yes").want(t, exitOK, "dkg: revoked\n", "revoked since 2026-12-01T00:00:00Z, by revocation-1: lost, asked for by holder")
	want := []proto.Message{
		&siegelv1.RevokeCertificateRequest{Requester: "holder", Reason: "lost", Reference: "T-1",
			Certificate: &siegelv1.RevokeCertificateRequest_Slot{Slot: &siegelv1.CardSlot{Iccsn: lifeICCSN, Slot: "C.HCI.AUT.E256"}}},
		&siegelv1.RevokeCardRequest{Iccsn: lifeICCSN, Requester: "holder", Reason: "lost", Reference: "T-1"},
	}
	if len(f.changes) != 2 || !proto.Equal(f.changes[0], want[0]) || !proto.Equal(f.changes[1], want[1]) {
		t.Errorf("the requests were %v, want %v", f.changes, want)
	}
}

// TestConfirm answers as people do.
func TestConfirm(t *testing.T) {
	for answer, ok := range map[string]bool{"revoke\n": true, " revoke \n": true, "yes\n": false, "\n": false, "": false, "revoke": false} {
		var out strings.Builder
		err := newTerminal(strings.NewReader(answer), &out, &out).ask("Revoke it?", "revoke")
		if (err == nil) != ok || !strings.Contains(out.String(), `Revoke it? Type "revoke": `) {
			t.Errorf("answer %q: %v, asked %q", answer, err, out.String())
		}
	}
}

// TestRevokedIsNoFault shows the exit code of what an operator did wrong, not the server.
func TestRevokedIsNoFault(t *testing.T) {
	st := withReason(t, codes.FailedPrecondition, "CARD_REVOKED")
	if got := exitCode(st); got != exitInvalid {
		t.Errorf("exit code is %d, want %d", got, exitInvalid)
	}
	if got := exitCode(withReason(t, codes.FailedPrecondition, "NO_ISSUER")); got != exitFault {
		t.Errorf("exit code is %d, want %d", got, exitFault)
	}
}

func withReason(t *testing.T, code codes.Code, reason string) error {
	t.Helper()
	return refusal(t, code, "no", &errdetails.ErrorInfo{Reason: reason, Domain: "siegel"})
}
