package e2e

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/rig"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// TestRenewal issues a card of object system 5 and renews its CV certificates: the chains hold, keys and CHRs stay, the card is as it was
// made, a retry gives the same octets from this server and from the next, and another key is refused by field and rule.
func TestRenewal(t *testing.T) {
	r := newRig(t)
	server := start(t, r)
	client := dial(t, r, server, "line-1")
	order, renewal := renewable(t)
	made, err := issue(t.Context(), client, order)
	if err != nil {
		t.Fatal(err)
	}

	wrong := proto.CloneOf(renewal)
	key(wrong, "C.SMC.AUTR_CVC.E256").Key = key(newOrders(t, true).Next(), "C.SMC.AUTR_CVC.E256").Key
	_, err = issue(t.Context(), client, wrong)
	checkRefusal(t, err, "keys[0].spki")
	if !strings.Contains(err.Error(), "public key") {
		t.Errorf("the refusal says %v, want that the key is another", err)
	}

	renewed, err := issue(t.Context(), client, renewal)
	if err != nil {
		t.Fatal(err)
	}
	known := readHierarchy(t, filepath.Join(r.Data, "hierarchy"))
	if c := renewed.GetCard(); len(c.GetCertificates()) != 2 || c.GetRenews() != order.GetOrderId() || c.GetRenewal() != 1 {
		t.Fatalf("the renewal has %d certificates, renews %q, number %d", len(c.GetCertificates()), c.GetRenews(), c.GetRenewal())
	}
	for _, c := range renewed.GetCard().GetCertificates() {
		t.Run(c.GetSlot(), func(t *testing.T) {
			known.askAboutCVC(t, renewal, c)
			comparedWithCard(t, c, made.GetCard())
		})
	}

	checkRetries(t, client, order, made, renewal, renewed)
	stop(t, server)
	server = start(t, r)
	defer stop(t, server)
	checkRetries(t, dial(t, r, server, "line-1"), order, made, renewal, renewed)
	issueByProgram(t, r, server, renewal, renewed)
}

// renewable gives an order for a card that can be renewed and the order that renews it.
func renewable(t *testing.T) (order, renewal *siegelv1.Order) {
	t.Helper()
	order, err := rig.SampleOrder("hospital-pharmacy")
	if err != nil {
		t.Fatal(err)
	}
	order.CardType = "smcb-g2.1-os5"
	order.Keys = slices.DeleteFunc(order.Keys, func(k *siegelv1.SlotKey) bool { return k.GetSlot() == "C.SMC.AUTR_CVC.R2048" })
	order.ValidUntil = time.Now().UTC().AddDate(3, 0, 0).Format(time.DateOnly)
	renewal = proto.CloneOf(order)
	renewal.OrderId, renewal.Renews, renewal.ValidUntil = "renewal-1", order.OrderId, ""
	renewal.Keys = slices.DeleteFunc(renewal.Keys, func(k *siegelv1.SlotKey) bool { return !strings.Contains(k.GetSlot(), "_CVC.") })
	return order, renewal
}

// comparedWithCard wants the same key, CHR and rights as before, and a later end.
func comparedWithCard(t *testing.T, c *siegelv1.Certificate, card *siegelv1.Card) {
	t.Helper()
	i := slices.IndexFunc(card.GetCertificates(), func(old *siegelv1.Certificate) bool { return old.GetSlot() == c.GetSlot() })
	old, err := cvc.Parse(card.GetCertificates()[i].GetData())
	if err != nil {
		t.Fatal(err)
	}
	now, err := cvc.Parse(c.GetData())
	if err != nil {
		t.Fatal(err)
	}
	if now.CHR != old.CHR || now.Flags != old.Flags || !bytes.Equal(now.PublicKey.Bytes(), old.PublicKey.Bytes()) {
		t.Errorf("CHR %s, rights %s, key %x; the card has %s, %s, %x", now.CHR, now.Flags, now.PublicKey.Bytes(), old.CHR, old.Flags, old.PublicKey.Bytes())
	}
	if !now.CXD.After(old.CXD) {
		t.Errorf("it ends on %s, the one before on %s", now.CXD, old.CXD)
	}
}

// checkRetries wants the same answers, to the octet, to both orders; and the card as it was made by its ICCSN.
func checkRetries(t *testing.T, client siegelv1.IssuanceServiceClient, order *siegelv1.Order, made *siegelv1.IssueCardResponse, renewal *siegelv1.Order, renewed *siegelv1.IssueCardResponse) {
	t.Helper()
	for _, c := range []struct {
		order *siegelv1.Order
		want  *siegelv1.IssueCardResponse
	}{{order, made}, {renewal, renewed}} {
		again, err := issue(t.Context(), client, c.order)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := encoded(t, again), encoded(t, c.want); !bytes.Equal(got, want) {
			t.Errorf("order %s sent again: got\n%x\nwant\n%x", c.order.GetOrderId(), got, want)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	found, err := client.GetCard(ctx, &siegelv1.GetCardRequest{By: &siegelv1.GetCardRequest_Iccsn{Iccsn: order.GetIccsn()}})
	if err != nil || !proto.Equal(found.GetCard(), made.GetCard()) {
		t.Errorf("the card by its ICCSN is %v (%v), want it as it was made", found.GetCard(), err)
	}
}

func encoded(t *testing.T, m proto.Message) []byte {
	t.Helper()
	octets, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return octets
}

// issueByProgram sends the renewal with `siegel issue` and has `siegel verify` look at the folder.
func issueByProgram(t *testing.T, r *rig.Rig, server *rig.Server, renewal *siegelv1.Order, renewed *siegelv1.IssueCardResponse) {
	t.Helper()
	text, err := protojson.Marshal(renewal)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "renewal.json")
	write(t, file, text)
	siegel := func(args ...string) {
		t.Helper()
		if out, err := exec.CommandContext(t.Context(), filepath.Join(bin, "siegel"), args...).CombinedOutput(); err != nil {
			t.Errorf("siegel %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	siegel("issue", "--server", server.Addr, "--data", r.Data, "--operator", "line-1", "--out", dir, file)
	folder := filepath.Join(dir, renewal.GetIccsn())
	for _, c := range renewed.GetCard().GetCertificates() {
		if got, err := os.ReadFile(filepath.Join(folder, c.GetSlot()+".cvc")); err != nil || !bytes.Equal(got, c.GetData()) {
			t.Errorf("the file of %s holds %x (%v), want %x", c.GetSlot(), got, err, c.GetData())
		}
	}
	siegel("verify", folder)
}
