package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"

	"github.com/siegel-pki/siegel/profiles"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// policyFile writes the built-in policy with another end of RSA in nonQES certificates, and gives its path.
func policyFile(t *testing.T, lastDay string) string {
	t.Helper()
	r := siegel("", "policy", "print")
	r.want(t, exitOK)
	const end = `value: 2025-12-31, source: "gemSpec_Krypt`
	if n := strings.Count(r.out, end); n != 2 {
		t.Fatalf("RSA ends in %d rows, want 2", n)
	}
	path := filepath.Join(t.TempDir(), "algorithms.yaml")
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(r.out, end, strings.Replace(end, "2025-12-31", lastDay, 1))), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestWhatIfOffline needs no server and says what it could not look at.
func TestWhatIfOffline(t *testing.T) {
	later := policyFile(t, "2027-06-30")
	r := siegel("", "policy", "what-if", later, "--offline", "--at", "2026-06-30")
	r.want(t, exitOK, "C.HCI.AUT.R2048   refused, last day 2025-12-31  last day 2027-06-30  legacy-rsa-2048-noqes", "not looked at, since no server was asked")
	if strings.Contains(r.out, "E256") {
		t.Errorf("the comparison shows what does not change:\n%s", r.out)
	}
	siegel("", "policy", "what-if", later, "--offline", "--all").want(t, exitOK, "smcb-g2.1      C.SMC.AUTR_CVC.E256      no end")
	earlier := policyFile(t, "2024-06-30")
	siegel("", "policy", "what-if", earlier, "--offline", "--at", "2025-01-01").want(t, exitInvalid,
		"last day 2025-12-31  refused, last day 2024-06-30", "no order could be fulfilled any more for smcb-org-g2.0", "the changed policy would refuse 19 slots more")
	siegel("", "policy", "what-if", earlier, "--offline", "--at", "2024-06-30").want(t, exitOK, "last day 2025-12-31  last day 2024-06-30")
	same := siegel("", "policy", "print").out
	siegel(same, "policy", "what-if", "-", "--offline").want(t, exitOK, "no slot of any card type would change")
}

// TestWhatIfRefuses files and days that are none.
func TestWhatIfRefuses(t *testing.T) {
	good := policyFile(t, "2027-06-30")
	siegel("", "policy", "what-if", good, "--offline", "--at", "tomorrow").want(t, exitUsage, "--at tomorrow: the day is YYYY-MM-DD")
	siegel("", "policy", "what-if", "/nowhere", "--offline").want(t, exitUsage, "read the policy")
	siegel("exceptions: []\ncolour: red\n", "policy", "what-if", "-", "--offline").want(t, exitUsage, `-:2: key "colour" is not known here (UNKNOWN_KEY)`)
	siegel(strings.Repeat("#", maxPolicy+1), "policy", "what-if", "-", "--offline").want(t, exitUsage, "is larger than")
}

// review is the answer of a server that knows a waiting order of each state, and certificates.
func review() *siegelv1.ReviewPolicyResponse {
	set, _ := profiles.Builtin()
	hash := set.Hash()
	slots := []*siegelv1.RefusedSlot{{Slot: "C.HCI.AUT.R2048"}, {Slot: "C.HCI.ENC.R2048"}}
	return &siegelv1.ReviewPolicyResponse{
		Environment: "test", CatalogueSha256: hash[:], WaitingOrders: 5, RefusedOrders: 4,
		Refused: []*siegelv1.RefusedOrder{
			{OrderId: "o-1", CardType: "smcb-g2.1", Sector: "dkg", RecordedAt: from, Open: true, Slots: slots},
			{OrderId: "o-2", CardType: "smcb-g2.1", Sector: "dkg", RecordedAt: from, RefusedNow: true, Slots: slots[:1]},
			{OrderId: "o-3", CardType: "smcb-g2.1", Sector: "kbv", RecordedAt: from, Slots: slots[:1]},
		},
		Algorithms: []*siegelv1.ReviewedAlgorithm{
			{Name: "RSA keys", LastDayNow: "2025-12-31", LastDayThen: "2024-06-30", Outlive: 1234},
			{Name: "generation 1", LastDayNow: "2018-12-31", LastDayThen: "2018-12-31", Outlive: 7},
			{Name: "brainpool keys"},
			{Name: "new keys", LastDayThen: "2030-12-31", New: true},
		},
		OutliveNow: 411, OutliveThen: 1241, NotJudged: 2,
	}
}

// TestWhatIfWithServer prints what only the server knows.
func TestWhatIfWithServer(t *testing.T) {
	var asked *siegelv1.ReviewPolicyRequest
	f := (&fakeServer{review: func(r *siegelv1.ReviewPolicyRequest) (*siegelv1.ReviewPolicyResponse, error) {
		asked = r
		return review(), nil
	}}).serve(t)
	path := policyFile(t, "2024-06-30")
	r := f.siegel("policy", "what-if", path, "--at", "2025-01-01")
	r.want(t, exitInvalid, "orders that wait for their card: 5, of which the changed policy refuses 4", "and 1 more that are not listed",
		"o-1    smcb-g2.1  dkg     2026-12-01  under way  C.HCI.AUT.R2048, C.HCI.ENC.R2048", "o-3    smcb-g2.1  kbv     2026-12-01  abandoned  C.HCI.AUT.R2048\n",
		"certificates in the field that outlive an algorithm of theirs: 411 now, 1241 then", "RSA keys   2025-12-31    2024-06-30         1234",
		"new keys   not known     2030-12-31            0", "2 drafts and certificates could not be judged",
		"the changed policy would refuse 19 slots and 2 waiting orders more")
	for _, unchanged := range []string{"o-2", "generation 1", "brainpool", "note: the server has another catalogue"} {
		if strings.Contains(r.out, unchanged) {
			t.Errorf("the comparison shows %s, which does not change:\n%s", unchanged, r.out)
		}
	}
	if text, err := os.ReadFile(path); err != nil || string(asked.GetAlgorithms()) != string(text) || asked.GetDay() != "2025-01-01" {
		t.Errorf("asked for %d octets on %s, want the file on 2025-01-01 (%v)", len(asked.GetAlgorithms()), asked.GetDay(), err)
	}
	f.siegel("policy", "what-if", path, "--at", "2025-01-01", "--all").want(t, exitInvalid, "o-2    smcb-g2.1", "generation 1  2018-12-31    2018-12-31            7")
}

// TestWhatIfKnowsTheServersExceptions: what is granted is refused by no policy, and a catalogue of the server's own is named.
func TestWhatIfKnowsTheServersExceptions(t *testing.T) {
	f := (&fakeServer{review: func(*siegelv1.ReviewPolicyRequest) (*siegelv1.ReviewPolicyResponse, error) {
		return &siegelv1.ReviewPolicyResponse{LegacyExceptions: []string{"legacy-rsa-2048-noqes"}}, nil
	}}).serve(t)
	f.siegel("policy", "what-if", policyFile(t, "2024-06-30"), "--at", "2025-01-01").want(t, exitOK,
		"the server grants the exceptions legacy-rsa-2048-noqes", "C.HCI.AUT.R2048   last day 2025-12-31  last day 2024-06-30", "note: the server has another catalogue")
}

// TestWhatIfJSON is for programs.
func TestWhatIfJSON(t *testing.T) {
	f := (&fakeServer{review: func(*siegelv1.ReviewPolicyRequest) (*siegelv1.ReviewPolicyResponse, error) { return review(), nil }}).serve(t)
	path := policyFile(t, "2024-06-30")
	r := f.siegel("policy", "what-if", path, "--at", "2025-01-01", "--json")
	r.want(t, exitInvalid)
	var got struct {
		Day       string
		CardTypes []cardTypeReport `json:"card_types"`
		Server    map[string]any
	}
	if err := json.Unmarshal([]byte(r.out), &got); err != nil {
		t.Fatalf("%v in\n%s", err, r.out)
	}
	i := slices.IndexFunc(got.CardTypes, func(c cardTypeReport) bool { return c.CardType == "smcb-org-g2.0" })
	if i < 0 || got.Day != "2025-01-01" || got.Server["waiting_orders"] != "5" {
		t.Fatalf("report is %+v", got)
	}
	const rsa = "legacy-rsa-2048-noqes"
	c := got.CardTypes[i]
	now := outlookReport{LastDay: "2025-12-31", Algorithm: "RSA-2048 keys in nonQES X.509 certificates", Exception: rsa}
	then := outlookReport{Refused: true, LastDay: "2024-06-30", Algorithm: "RSA-2048 keys in nonQES X.509 certificates", Exception: rsa}
	if c.RefusedNow || !c.RefusedThen || len(c.Slots) != 3 || c.Slots[0] != (slotReport{"C.HCI.AUT.R2048", now, then}) {
		t.Errorf("smcb-org-g2.0 is %+v", c)
	}
	offline := siegel("", "policy", "what-if", path, "--offline", "--json")
	if strings.Contains(offline.out, `"server"`) {
		t.Errorf("without a server there is one in\n%s", offline.out)
	}
}

// TestWhatIfDenied: the default operator is a line, which may not ask.
func TestWhatIfDenied(t *testing.T) {
	f := (&fakeServer{review: func(*siegelv1.ReviewPolicyRequest) (*siegelv1.ReviewPolicyResponse, error) {
		return nil, refusal(t, codes.PermissionDenied, "operator line-1 may not call", &errdetails.ErrorInfo{Reason: "ROLE_MISSING"})
	}}).serve(t)
	f.siegel("policy", "what-if", policyFile(t, "2027-06-30")).want(t, exitDenied, "review the policy (--offline asks no server)", "Call as another operator (--operator)")
}
