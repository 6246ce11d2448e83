package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/profiles"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// TestPlanFull shows the content of real certificates as a plan: what inspect says about the fields, and no more than a draft has.
func TestPlanFull(t *testing.T) {
	x509, err := pkix.ParseCertificates(readTestFile(t, "testdata/inspect/hospital-pharmacy-ENC-E256.pem"))
	if err != nil {
		t.Fatal(err)
	}
	role, err := cvc.Parse(readTestFile(t, "testdata/inspect/SMC-B-AUTR-E256.cvc"))
	if err != nil {
		t.Fatal(err)
	}
	f := (&fakeServer{plan: func(*siegelv1.Order) (*siegelv1.PlanCardResponse, error) {
		return &siegelv1.PlanCardResponse{Warnings: []string{"careful"}, Certificates: []*siegelv1.PlannedCertificate{
			{Slot: "C.HCI.ENC.E256", Format: siegelv1.Format_FORMAT_X509, NotBefore: from, NotAfter: till, Draft: x509[0].RawTBS},
			{Slot: "C.SMC.AUTR_CVC.E256", Format: siegelv1.Format_FORMAT_CVC, NotBefore: from, NotAfter: till, Draft: role.RawBody},
		}}, nil
	}}).serve(t)
	r := f.siegel("plan", "--full", orderFile(t, "o-1"))
	r.want(t, exitOK, "nothing was issued", "\nC.HCI.ENC.E256\n", "\nC.SMC.AUTR_CVC.E256\n", "drawn when the card is issued", "warning: careful")
	inspected := siegel("", "inspect", "testdata/inspect/hospital-pharmacy-ENC-E256.pem", "testdata/inspect/SMC-B-AUTR-E256.cvc").out
	for line := range strings.Lines(inspected) {
		signed := strings.Contains(line, "SHA-256") || strings.Contains(line, "serial") || strings.HasPrefix(line, "testdata/") || strings.HasPrefix(line, "7F21")
		if strings.Contains(line, "signature, 64 octets") {
			break
		}
		if !signed && !strings.Contains(words(r.out), words(line)) {
			t.Errorf("the plan lacks %q, which inspect says of the certificate", line)
		}
	}
	var full struct {
		Certificates []struct {
			Planned struct{ Slot, Draft string }
			Says    []string
		}
	}
	if err := json.Unmarshal([]byte(f.siegel("plan", "--full", "--json", orderFile(t, "o-1")).out), &full); err != nil {
		t.Fatal(err)
	}
	for i, slot := range []string{"C.HCI.ENC.E256", "C.SMC.AUTR_CVC.E256"} {
		c := full.Certificates[i]
		if c.Planned.Slot != slot || c.Planned.Draft == "" || len(c.Says) < 10 || !strings.Contains(r.out, strings.Join(c.Says, "\n")) {
			t.Errorf("certificate %d is %+v, want slot %s, its draft and the lines of the text", i, c, slot)
		}
	}
	f.plan = func(*siegelv1.Order) (*siegelv1.PlanCardResponse, error) {
		return &siegelv1.PlanCardResponse{Certificates: []*siegelv1.PlannedCertificate{{Slot: "S", Format: siegelv1.Format_FORMAT_X509, Draft: []byte("x")}}}, nil
	}
	if r := f.siegel("plan", "--full", orderFile(t, "o-1")); r.code == exitOK || !strings.Contains(r.err, "read the draft of S") {
		t.Errorf("a plan with a draft that cannot be read ends with %d: %s", r.code, r.err)
	}
}

// TestProfiles lists the catalogue and explains one file of each kind, in words and as JSON.
func TestProfiles(t *testing.T) {
	siegel("", "profiles").want(t, exitOK, "card type smcb-org-g2.1", "sectors: org", "further-lei", "C.SMC.AUTR_CVC", "smcb-ca  ")
	siegel("", "profiles", "ktr-adv").want(t, exitOK, "as in sectors/ktr-adv.yaml", "1.2.276.0.76.4.190 (AdV-Umgebung bei Kostenträger)  [gemSpec_PKI, Annex A, 10.4]", "elsewhere[C.KTRADV.AUTR_CVC.E256]", "gaps[")
	siegel("", "profiles", "smcb-g2.1-os5").want(t, exitOK, "slots[C.HCI.AUT.E256].octets", "3000", "may_leave_out")
	siegel("", "profiles", "C.HCI.ENC").want(t, exitOK, "key_usage[E256]", "keyAgreement", "[gemSpec_PKI, Tab_PKI_239, GS-A_4601]")
	siegel("", "profiles", "root-ca").want(t, exitOK, "as in issuers/root-ca.yaml", "basic_constraints")
	siegel("", "profiles", "smcb-g9").want(t, exitUsage, "no card type, sector, profile or issuer \"smcb-g9\"")
	var list struct {
		CardTypes []struct {
			Name    string
			Slots   []struct{ Slot, Key, Profile string }
			Sectors []string
		} `json:"card_types"`
		Hash string
	}
	if err := json.Unmarshal([]byte(siegel("", "profiles", "--json").out), &list); err != nil {
		t.Fatal(err)
	}
	for _, c := range list.CardTypes {
		if c.Name == "smcb-org-g2.1" && (len(c.Slots) < 7 || fmt.Sprint(c.Sectors) != "[org]") {
			t.Errorf("card type %s has the slots %v and is for %v, want one slot at least for each certificate and sector org", c.Name, c.Slots, c.Sectors)
		}
	}
	if len(list.CardTypes) < 5 || len(list.Hash) != 64 {
		t.Errorf("the list has %d card types and the hash %q", len(list.CardTypes), list.Hash)
	}
	var e profiles.Explanation
	if err := json.Unmarshal([]byte(siegel("", "profiles", "dkg", "--json").out), &e); err != nil || e.Name != "dkg" || len(e.Facts) < 20 {
		t.Errorf("the explanation is %+v, %v", e, err)
	}
}

// words puts one blank between words: the lines of a draft stand one level further out.
func words(s string) string { return strings.Join(strings.Fields(s), " ") }

func readTestFile(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
