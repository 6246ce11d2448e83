package rpc

import (
	"context"
	"reflect"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/siegel-pki/siegel/ca"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

const testICCSN = "80276001011699900861"

// fakeLifecycle notes what it is asked and answers with one status and one error.
type fakeLifecycle struct {
	asked []any
	life  *ca.CardLife
	err   error

	bulk *ca.Bulk
}

func (f *fakeLifecycle) note(what ...any) { f.asked = append([]any(nil), what...) }

func (f *fakeLifecycle) CardLife(_ context.Context, iccsn string) (*ca.CardLife, error) {
	f.note("status", iccsn)
	return f.life, f.err
}

func (f *fakeLifecycle) ActivateCard(_ context.Context, actor, iccsn string, desk ca.DeskRequest) (*ca.CardLife, error) {
	f.note("activate", actor, iccsn, desk)
	return f.life, f.err
}

func (f *fakeLifecycle) RevokeCard(_ context.Context, actor, iccsn string, req ca.RevocationRequest) (*ca.CardLife, error) {
	f.note("revoke", actor, iccsn, req)
	return f.life, f.err
}

func (f *fakeLifecycle) RevokeCertificate(_ context.Context, actor string, id ca.CertificateID, req ca.RevocationRequest) (*ca.CertificateStatus, error) {
	f.note("revoke certificate", actor, id, req)
	return &f.life.Certificates[0], f.err
}

func (f *fakeLifecycle) CertificateInSlot(_ context.Context, iccsn, slot string) (ca.CertificateID, error) {
	return f.life.Certificates[0].CertificateID, f.err
}

// testLife is a card that was active, of whose certificates one was revoked alone, before the card was.
func testLife(t *testing.T) *ca.CardLife {
	t.Helper()
	day := func(n int) time.Time { return time.Date(2026, 11, n, 10, 0, 0, 0, time.UTC) }
	revocation := func(n int, reason string) *ca.Revocation {
		return &ca.Revocation{RequestedAt: day(n).Add(-time.Hour), At: day(n), Actor: "revocation-1", Requester: "holder", Reason: reason}
	}
	certificate := func(slot, serial string, r *ca.Revocation, alone bool) ca.CertificateStatus {
		id, err := ca.ParseCertificateID("SMCB-CA51", serial)
		if err != nil {
			t.Fatal(err)
		}
		return ca.CertificateStatus{CertificateID: id, State: ca.Revoked, Slot: slot,
			ActivatedAt: day(1), NotAfter: day(30), Revocation: r, Alone: alone}
	}
	return &ca.CardLife{CardType: "smcb-g2.1", Sector: "dkg", NotRevocable: []ca.CVCertificate{{Slot: "C.SMC.AUTR_CVC.E256", CHR: "000680276001011699900861"}},
		CardStatus: &ca.CardStatus{ICCSN: testICCSN, State: ca.Revoked,
			Activation: &ca.Activation{ICCSN: testICCSN, RequestedAt: day(1).Add(-time.Hour), At: day(1), Actor: "desk-1"}, Revocation: revocation(3, "lost"),
			Certificates: []ca.CertificateStatus{certificate("C.HCI.AUT.E256", "4a1b", revocation(2, "key-compromise"), true),
				certificate("C.HCI.ENC.E256", "4a1c", revocation(3, "lost"), false)}}}
}

const wireLife = `{
  "iccsn": "80276001011699900861", "cardType": "smcb-g2.1", "sector": "dkg", "state": "CARD_STATE_REVOKED",
  "activation": {"requestedAt": "2026-11-01T09:00:00Z", "effectiveAt": "2026-11-01T10:00:00Z", "operator": "desk-1"},
  "revocation": {"change": {"requestedAt": "2026-11-03T09:00:00Z", "effectiveAt": "2026-11-03T10:00:00Z", "operator": "revocation-1"},
    "requester": "holder", "reason": "lost"},
  "certificates": [
    {"slot": "C.HCI.AUT.E256", "issuer": "SMCB-CA51", "serial": "4a1b", "state": "CARD_STATE_REVOKED", "alone": true, "notAfter": "2026-11-30T10:00:00Z",
      "revocation": {"change": {"requestedAt": "2026-11-02T09:00:00Z", "effectiveAt": "2026-11-02T10:00:00Z", "operator": "revocation-1"},
        "requester": "holder", "reason": "key-compromise"}},
    {"slot": "C.HCI.ENC.E256", "issuer": "SMCB-CA51", "serial": "4a1c", "state": "CARD_STATE_REVOKED", "notAfter": "2026-11-30T10:00:00Z",
      "revocation": {"change": {"requestedAt": "2026-11-03T09:00:00Z", "effectiveAt": "2026-11-03T10:00:00Z", "operator": "revocation-1"},
        "requester": "holder", "reason": "lost"}}
  ],
  "notRevocable": [{"slot": "C.SMC.AUTR_CVC.E256", "chr": "000680276001011699900861"}]
}`

// TestLifecycleOnTheWire makes each call: what it says arrives, with the operator of the connection, and what is answered comes back whole.
func TestLifecycleOnTheWire(t *testing.T) {
	want := new(siegelv1.CardStatus)
	if err := protojson.Unmarshal([]byte(wireLife), want); err != nil {
		t.Fatal(err)
	}
	fake := &fakeLifecycle{life: testLife(t)}
	h := start(t, &fakeAuthority{Lifecycle: fake})
	at := time.Date(2026, 11, 24, 9, 0, 0, 123e6, time.UTC)
	desk := ca.DeskRequest{Reference: "T-1", At: at}
	request := ca.RevocationRequest{DeskRequest: desk, Requester: "holder", Reason: "lost"}
	id := fake.life.Certificates[0].CertificateID
	client := func(role Role) siegelv1.LifecycleServiceClient {
		return siegelv1.NewLifecycleServiceClient(h.as(string(role)))
	}
	for _, c := range []struct {
		name  string
		call  func(context.Context) (proto.Message, error)
		asked []any
		want  proto.Message
	}{
		{"GetCardStatus", func(ctx context.Context) (proto.Message, error) {
			r, err := client(Registration).GetCardStatus(ctx, &siegelv1.GetCardStatusRequest{Iccsn: testICCSN})
			return r.GetStatus(), err
		}, []any{"status", testICCSN}, want},
		{"ActivateCard", func(ctx context.Context) (proto.Message, error) {
			r, err := client(Registration).ActivateCard(ctx, &siegelv1.ActivateCardRequest{Iccsn: testICCSN, Reference: "T-1", RequestedAt: timestamppb.New(at)})
			return r.GetStatus(), err
		}, []any{"activate", "registration", testICCSN, desk}, want},
		{"ActivateCard now", func(ctx context.Context) (proto.Message, error) {
			r, err := client(Registration).ActivateCard(ctx, &siegelv1.ActivateCardRequest{Iccsn: testICCSN, Reference: "T-1"})
			return r.GetStatus(), err
		}, []any{"activate", "registration", testICCSN, ca.DeskRequest{Reference: "T-1"}}, want},
		{"RevokeCard", func(ctx context.Context) (proto.Message, error) {
			r, err := client(Revocation).RevokeCard(ctx, &siegelv1.RevokeCardRequest{Iccsn: testICCSN, Requester: "holder", Reason: "lost", Reference: "T-1", RequestedAt: timestamppb.New(at)})
			return r.GetStatus(), err
		}, []any{"revoke", "revocation", testICCSN, request}, want},
		{"RevokeCertificate by serial number", func(ctx context.Context) (proto.Message, error) {
			r, err := client(Revocation).RevokeCertificate(ctx, &siegelv1.RevokeCertificateRequest{Requester: "holder", Reason: "lost", Reference: "T-1", RequestedAt: timestamppb.New(at),
				Certificate: &siegelv1.RevokeCertificateRequest_Serial{Serial: &siegelv1.SerialNumber{Issuer: id.Issuer, Serial: "4A1B"}}})
			return r.GetStatus(), err
		}, []any{"revoke certificate", "revocation", id, request}, want.GetCertificates()[0]},
		{"RevokeCertificate by slot", func(ctx context.Context) (proto.Message, error) {
			r, err := client(Revocation).RevokeCertificate(ctx, &siegelv1.RevokeCertificateRequest{Requester: "holder", Reason: "lost", Reference: "T-1", RequestedAt: timestamppb.New(at),
				Certificate: &siegelv1.RevokeCertificateRequest_Slot{Slot: &siegelv1.CardSlot{Iccsn: testICCSN, Slot: "C.HCI.AUT.E256"}}})
			return r.GetStatus(), err
		}, []any{"revoke certificate", "revocation", id, request}, want.GetCertificates()[0]},
	} {
		got, err := c.call(testContext(t))
		if err != nil || !proto.Equal(got, c.want) {
			t.Errorf("%s = %v, %v, want %v", c.name, got, err, c.want)
		}
		if !reflect.DeepEqual(fake.asked, c.asked) {
			t.Errorf("%s asked %+v, want %+v", c.name, fake.asked, c.asked)
		}
	}
}

// TestLifecycleShape sends requests that are refused before anybody is asked.
func TestLifecycleShape(t *testing.T) {
	fake := &fakeLifecycle{life: testLife(t)}
	h := start(t, &fakeAuthority{Lifecycle: fake})
	revoke := func(change func(*siegelv1.RevokeCardRequest)) func(context.Context) error {
		return func(ctx context.Context) error {
			req := &siegelv1.RevokeCardRequest{Iccsn: testICCSN, Requester: "holder", Reason: "lost", Reference: "T-1"}
			change(req)
			_, err := siegelv1.NewLifecycleServiceClient(h.as("revocation")).RevokeCard(ctx, req)
			return err
		}
	}
	certificate := func(req *siegelv1.RevokeCertificateRequest) func(context.Context) error {
		return func(ctx context.Context) error {
			req.Requester, req.Reason, req.Reference = "holder", "lost", "T-1"
			_, err := siegelv1.NewLifecycleServiceClient(h.as("revocation")).RevokeCertificate(ctx, req)
			return err
		}
	}
	serial := func(number string) *siegelv1.RevokeCertificateRequest {
		return &siegelv1.RevokeCertificateRequest{Certificate: &siegelv1.RevokeCertificateRequest_Serial{Serial: &siegelv1.SerialNumber{Issuer: "X", Serial: number}}}
	}
	for name, call := range map[string]func(context.Context) error{
		"short ICCSN":         revoke(func(r *siegelv1.RevokeCardRequest) { r.Iccsn = "8027600101" }),
		"no requester":        revoke(func(r *siegelv1.RevokeCardRequest) { r.Requester = "" }),
		"no reason":           revoke(func(r *siegelv1.RevokeCardRequest) { r.Reason = "" }),
		"no reference":        revoke(func(r *siegelv1.RevokeCardRequest) { r.Reference = "" }),
		"no certificate":      certificate(&siegelv1.RevokeCertificateRequest{}),
		"odd serial number":   certificate(serial("4a1")),
		"zero serial number":  certificate(serial("00")),
		"long serial number":  certificate(serial("ff4a1b4a1b4a1b4a1b4a1b4a1b4a1b4a1b4a1b4a")),
		"serial of no number": certificate(serial("0x4a")),
	} {
		if err := call(testContext(t)); status.Code(err) != codes.InvalidArgument {
			t.Errorf("%s: %v, want INVALID_ARGUMENT", name, err)
		}
	}
	if fake.asked != nil {
		t.Errorf("asked %+v, want nothing", fake.asked)
	}
}

func (f *fakeLifecycle) PlanBulk(_ context.Context, actor string, id ca.BulkID, selection ca.CardSelection, req ca.RevocationRequest) (*ca.Bulk, error) {
	f.note("plan", actor, id, selection, req)
	return f.bulk, f.err
}

func (f *fakeLifecycle) RequestBulk(_ context.Context, who ca.Actor, id ca.ApprovalID, bulk ca.BulkID, list [32]byte, reason string) (*ca.Approval, error) {
	f.note("start", who.Operator, id, bulk, list, reason)
	return &ca.Approval{ApprovalRequest: ca.ApprovalRequest{ID: id, Act: ca.BulkRevocation}}, f.err
}

func (f *fakeLifecycle) HoldBulk(_ context.Context, actor string, id ca.BulkID, hold bool) (*ca.Bulk, error) {
	f.note("hold", actor, id, hold)
	return f.bulk, f.err
}

func (f *fakeLifecycle) Bulk(_ context.Context, id ca.BulkID) (*ca.Bulk, error) {
	f.note("bulk", id)
	return f.bulk, f.err
}

func (f *fakeLifecycle) BulkCards(_ context.Context, id ca.BulkID, from, limit int) ([]ca.BulkCard, error) {
	f.note("cards", id, from, limit)
	return []ca.BulkCard{{Place: from, ICCSN: testICCSN, Revoked: true}}, f.err
}
