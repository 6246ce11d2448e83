package tlog

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// goldenLeaves reads testdata/leaves: for each kind at least one leaf as it is in logs, by file name without ".json".
func goldenLeaves(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/leaves/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden leaves: %v", err)
	}
	leaves := map[string][]byte{}
	for _, file := range files {
		octets, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		leaves[strings.TrimSuffix(filepath.Base(file), ".json")] = bytes.TrimSuffix(octets, []byte("\n"))
	}
	return leaves
}

// TestGoldenLeaves reads every golden leaf by the schema of its kind. A leaf that was ever written must be readable for ever: files are
// added here, and never changed.
func TestGoldenLeaves(t *testing.T) {
	types := map[Kind]Facts{ServerStarted: &ServerFacts{}, OperatorsLoaded: &OperatorsFacts{}, IssuerAdded: &IssuerAddedFacts{}, KeySessionOpened: &SessionFacts{}, KeySessionDrawn: &DrawFacts{}, KeySessionClosed: &SessionEndFacts{}, OrderRecorded: &OrderFacts{},
		CardIssued: &CardFacts{}, AttemptAbandoned: &AbandonFacts{},
		ApprovalRequested: &ApprovalRequestFacts{}, ApprovalGiven: &ApprovalDecisionFacts{}, ApprovalRejected: &ApprovalDecisionFacts{},
		ApprovalUsed: &ApprovalEndFacts{}, ApprovalExpired: &ApprovalEndFacts{},
		CardActivated: &ActivationFacts{}, CardRevoked: &CardRevocationFacts{}, CertificateRevoked: &CertificateRevocationFacts{},
		BulkPlanned: &BulkPlanFacts{}, BulkStarted: &BulkStartFacts{}, BulkPaused: &BulkHoldFacts{}, BulkResumed: &BulkHoldFacts{}, BulkEnded: &BulkEndFacts{},
		CRLRecorded: &CRLRecordedFacts{}, CRLIssued: &CRLIssuedFacts{}}
	seen := map[Kind]bool{}
	for name, octets := range goldenLeaves(t) {
		t.Run(name, func(t *testing.T) {
			e, err := ParseLeaf(octets)
			if err != nil {
				t.Fatal(err)
			}
			seen[e.Kind] = true
			facts, err := e.ReadFacts()
			if err != nil {
				t.Fatal(err)
			}
			if got, want := reflect.TypeOf(facts), reflect.TypeOf(types[e.Kind]); got != want {
				t.Errorf("facts are of type %s, want %s", got, want)
			}
		})
	}
	for _, k := range Kinds() {
		if !seen[k] {
			t.Errorf("kind %s has no golden leaf", k)
		}
	}
	if !slices.IsSorted(Kinds()) || len(Kinds()) != len(types) {
		t.Errorf("kinds are %v", Kinds())
	}
}

// TestEveryFactIsNeeded takes away each field of each golden leaf, at every depth, empties it, doubles it and renames it. What is
// optional says so by its tag, and may be taken away, if nothing else needs it.
func TestEveryFactIsNeeded(t *testing.T) {
	optional := []string{"config_sha256", "profiles", "no_term_in_certificate", "legacy_exceptions", "standing_sessions", "ended_algorithms", "renews",
		"iccsn_from", "iccsn_until", "issued_from", "issued_until", "listed"}
	optionalIn := map[string][]string{"server-started-standing": {"operators_sha256"}, "key-session-opened-approved": {"approval", "drawn"}}
	for name, octets := range goldenLeaves(t) {
		e, err := ParseLeaf(octets)
		if err != nil {
			t.Fatal(err)
		}
		for _, field := range fields(t, e.Facts) {
			for _, c := range []struct {
				name string
				with []byte
				ok   bool
			}{
				{"renamed", []byte(`"other_` + field.name + `":` + field.value), false},
				{"null", []byte(`"` + field.name + `":null`), false},
				{"doubled", []byte(field.text() + "," + field.text()), false},
				{"in capitals", []byte(`"` + strings.ToUpper(field.name) + `":` + field.value), false},
				{"left out", nil, slices.Contains(optional, field.name) || slices.Contains(optionalIn[name], field.name)},
			} {
				spoilt := e
				spoilt.Facts = field.replaced(e.Facts, c.with)
				if !json.Valid(spoilt.Facts) {
					t.Fatalf("%s: the test itself is wrong: %s", name, spoilt.Facts)
				}
				if _, err := spoilt.ReadFacts(); (err == nil) != c.ok {
					t.Errorf("%s: %s %s: error is %v", name, field.name, c.name, err)
				}
			}
		}
	}
}

// field is a member of an object somewhere in facts.
type field struct {
	name, value string
	start, end  int // of `"name":value`
}

func (f field) text() string { return `"` + f.name + `":` + f.value }

// replaced gives the facts with other octets for the field, and no comma too many.
func (f field) replaced(facts, with []byte) []byte {
	before, after := facts[:f.start], facts[f.end:]
	if with == nil {
		if after[0] == ',' {
			after = after[1:]
		} else {
			before = bytes.TrimSuffix(before, []byte(","))
		}
	}
	return slices.Concat(before, with, after)
}

// fields finds the members of every object in facts. The facts of the golden leaves hold no colon or brace in their strings but
// for times.
func fields(t *testing.T, facts []byte) []field {
	t.Helper()
	var out []field
	for i := range facts {
		if facts[i] != '"' || !bytes.ContainsAny(facts[i-1:i], "{,") {
			continue
		}
		name, rest, ok := bytes.Cut(facts[i+1:], []byte(`":`))
		if !ok || bytes.ContainsAny(name, `"`) {
			continue // a member of a list of strings
		}
		var value json.RawMessage
		if err := json.NewDecoder(bytes.NewReader(rest)).Decode(&value); err != nil {
			t.Fatal(err)
		}
		f := field{name: string(name), value: string(value), start: i}
		f.end = i + len(f.text())
		out = append(out, f)
	}
	if len(out) == 0 {
		t.Fatalf("no fields in %s", facts)
	}
	return out
}

// TestMalformedFactsAreNamed changes one fact at a time, and looks for its path in the error.
func TestMalformedFactsAreNamed(t *testing.T) {
	leaves := goldenLeaves(t)
	for _, c := range []struct{ leaf, old, new, want string }{
		{"card-issued", `"attempt":"`, `"attempt":"X`, "attempt: is no id"},
		{"card-issued", `"order_id":"order-1"`, `"order_id":""`, "order_id: is empty"},
		{"card-issued", `"iccsn":"8`, `"iccsn":"`, "iccsn: is no ICCSN"},
		{"card-issued", `"iccsn":"8`, `"iccsn":"x`, "iccsn: is no ICCSN"},
		{"card-issued", `"serial":"4`, `"serial":"G`, "certificates[0].serial: is no serial number"},
		{"card-issued", `"serial":"`, `"serial":"` + strings.Repeat("00", 20), "certificates[0].serial: is no serial number"},
		{"card-issued", `"serial":"4a1b2c3d4e5f60718293",`, ``, "certificates[0].serial: want either it or chr"},
		{"card-issued", `"chr":"`, `"serial":"01","chr":"`, "certificates[1].serial: want either it or chr"},
		{"card-issued", `"chr":"0`, `"chr":"f`, "certificates[1].chr: is no CHR"},
		{"card-issued", `"not_after":"2031-11-24T09:00:00.000Z"`, `"not_after":"2031-11-24T09:00:00Z"`, "certificates[0].not_after: is no time"},
		{"card-issued", `"not_after":"2031-11-24T09:00:00.000Z"`, `"not_after":"2031-13-24T09:00:00.000Z"`, "certificates[0].not_after: is no time"},
		{"card-issued", `"key_sha256":"0`, `"key_sha256":"`, "certificates[0].key_sha256: is no SHA-256 hash"},
		{"card-issued", `,"certificate_sha256":"c`, `,"certificate_sha256":"C`, "certificates[0].certificate_sha256: is no SHA-256 hash"},
		{"card-issued-ended", `"last_day":"2`, `"last_day":"0x2`, "ended_algorithms[0].last_day: is no day"},
		{"card-issued-ended", `"exception":"legacy-cvc-g1"`, `"exception":""`, "ended_algorithms[0].exception: is empty"},
		{"card-issued-ended", `"slots":["C.SMC.AUTR_CVC.R2048"]`, `"slots":[]`, "ended_algorithms[0].slots: is empty"},
		{"card-issued-ended", `"slots":["C`, `"slots":["","C`, "ended_algorithms[0].slots[0].slot: is empty"},
		{"server-started-granted", `["legacy-cvc-g1"]`, `[""]`, "legacy_exceptions: is empty"},
		{"order-recorded", `"body_sha256":"b`, `"certificate_sha256":"","body_sha256":"b`, "not in their one form"},
		{"order-recorded", `"},{`, `","certificate_sha256":"00"},{`, "drafts[0].certificate_sha256: is there before"},
		{"issuer-added", `"name":"GEM.SMCB-CA51 TEST-ONLY"`, `"name":""`, "name: is empty"},
		{"issuer-added", `"issued_by":"`, `"issued_by":"","issued_by":"`, "not in their one form"},
		{"issuer-added", `"certificate_sha256":"`, `"certificate_sha256":"0`, "certificate_sha256: is no SHA-256 hash"},
		{"key-session-opened", `"signatures":1000`, `"signatures":0`, "signatures: is less than 1"},
		{"key-session-opened", `"signatures":1000`, `"signatures":1e3`, "signatures"},
		{"key-session-opened", `"signatures":1000`, `"signatures":"1000"`, "signatures"},
		{"approval-requested", `"signatures":1000`, `"signatures":1001`, "parameters_sha256: is not the hash of the parameters"},
		{"approval-requested", `"approval":"a`, `"approval":"g`, "approval: is no id"},
		{"approval-requested", `"summary":"open`, `"summary":"","x":"`, `unknown field "x"`},
		{"approval-requested", `"person":"person-17"`, `"person":""`, "person: is empty"},
		{"approval-given", `"person":"person-23"`, `"person":""`, "person: is empty"},
		{"approval-given", `"act":"open-key-sessions"`, `"act":"open key"`, "act: is no reason"},
		{"approval-used", `"parameters_sha256":"`, `"parameters_sha256":"0`, "parameters_sha256: is no SHA-256 hash"},
		{"key-session-opened-approved", `"drawn":62`, `"drawn":1001`, "drawn: is more than the session has"},
		{"key-session-opened-approved", `"approval":"a`, `"approval":"g`, "approval: is no id"},
		{"key-session-drawn", `"signatures":58`, `"signatures":0`, "signatures: is 0"},
		{"key-session-drawn", `"drawn":120`, `"drawn":-1`, "drawn: is less than 0"},
		{"operators-loaded", `"operators":8`, `"operators":0`, "operators: is less than 1"},
		{"server-started-standing", `"operators_sha256":"`, `"operators_sha256":"0`, "operators_sha256: is no SHA-256 hash"},
		{"attempt-abandoned", `"reason":"`, `"reason":"A `, "reason: is no reason"},
		{"order-recorded-again", `"same_order_as":"0`, `"same_order_as":"X`, "same_order_as: is no id"},
		{"order-recorded-again", `"attempt":"ffeeddccbbaa99887766554433221100"`, `"attempt":"00112233445566778899aabbccddeeff"`, "same_order_as: is the attempt itself"},
		{"order-recorded-again", `}}`, `},"personal_sha256":"8iWx5vJ2vQnQnRkJbZb3m9X2m0J3cJ8mJt2b1yq9x5E="}`, "no personal data belong"},
		{"server-started", `"issuers":[{`, `"issuers":[],"x":[{`, `unknown field "x"`},
		{"server-started", `"actor":"siegeld"`, `"actor":""`, "actor: is empty"},
		{"server-started", `}]}}`, `}]},"personal_sha256":"AAAA"}`, "personal_sha256: is there, and no personal data belong"},
		{"order-recorded", `,"personal_sha256":"`, `,"personal_sha256":"AAAA`, "personal_sha256: is missing or not 32 octets"},
	} {
		t.Run(c.leaf+" "+c.want, func(t *testing.T) {
			octets := bytes.Replace(leaves[c.leaf], []byte(c.old), []byte(c.new), 1)
			if bytes.Equal(octets, leaves[c.leaf]) {
				t.Fatalf("the leaf has no %s", c.old)
			}
			e, err := ParseLeaf(octets)
			if err != nil {
				t.Fatal(err)
			}
			if facts, err := e.ReadFacts(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %+v, %v, want an error with %q", facts, err, c.want)
			}
		})
	}
}

// TestAllThatIsWrongIsNamed, not only the first.
func TestAllThatIsWrongIsNamed(t *testing.T) {
	_, err := Entry{Kind: CardIssued, Facts: json.RawMessage(`{}`)}.ReadFacts()
	for _, want := range []string{"actor", "order_id", "attempt", "iccsn", "card_type", "sector", "certificates: is empty"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want one that names %q", err, want)
		}
	}
}

// TestUnknownKinds are named, so that a reader can say what was not checked.
func TestUnknownKinds(t *testing.T) {
	_, err := Entry{Kind: "card-recalled", Actor: "x", Facts: json.RawMessage(`{}`)}.ReadFacts()
	var unknown *UnknownKindError
	if !errors.As(err, &unknown) || unknown.Kind != "card-recalled" || !strings.Contains(err.Error(), `"card-recalled"`) {
		t.Errorf("error is %v, want an *UnknownKindError that names card-recalled", err)
	}
}

// TestKindsWithoutFacts: no facts at all are an error of every kind.
func TestKindsWithoutFacts(t *testing.T) {
	for _, k := range Kinds() {
		for _, facts := range []string{"", "null", "{}", "[]", "1", `{} {}`} {
			if got, err := (Entry{Kind: k, Actor: "x", Facts: json.RawMessage(facts)}).ReadFacts(); err == nil {
				t.Errorf("%s with facts %q: taken as %+v", k, facts, got)
			}
		}
	}
}
