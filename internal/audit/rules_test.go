package audit

import (
	"testing"
	"time"

	"github.com/siegel-pki/siegel/internal/tlog"
)

// good is a story in which everything happens as it should.
func good(t *testing.T) *story {
	s := newStory(t)
	s.issue(order(1))
	lost := order(2)
	s.record(lost)
	s.tell(tlog.AttemptAbandoned, tlog.AbandonFacts{Order: lost.Order, Attempt: lost.Attempt, ICCSN: lost.ICCSN, Reason: "process-ended"}, nil)
	again := order(2)
	again.Attempt, again.SameOrderAs, again.Drafts[0].Serial = id("second"), lost.Attempt, "0a"
	s.issue(again)
	renewal := order(1)
	renewal.Order, renewal.Attempt, renewal.Renews, renewal.Drafts = "order-1-1", id("renewal"), "order-1", renewal.Drafts[1:]
	s.issue(renewal)
	s.tell(tlog.KeySessionDrawn, tlog.DrawFacts{Session: id("session"), Issuer: theIssuer, Signatures: 50, Drawn: 150}, nil)
	s.tell(tlog.KeySessionDrawn, tlog.DrawFacts{Session: id("session"), Issuer: theIssuer, Signatures: -20, Drawn: 130}, nil)
	s.tell(tlog.KeySessionClosed, tlog.SessionEndFacts{Session: id("session"), Issuer: theIssuer, Reason: "count", Signatures: 130}, nil)
	asked := tlog.ApprovalRequestFacts{Approval: id("approval"), Act: "open-key-sessions", Summary: "x", Parameters: []byte(`{}`), ParametersSHA256: hashOf(`{}`),
		Person: "Anna", Expires: tlog.Instant(s.at.Add(time.Hour))}
	s.tell(tlog.ApprovalRequested, asked, map[string]string{"reason": "x"})
	s.tell(tlog.ApprovalGiven, tlog.ApprovalDecisionFacts{Approval: asked.Approval, Act: asked.Act, ParametersSHA256: asked.ParametersSHA256, Person: "Berta"}, nil)
	s.tell(tlog.ApprovalUsed, tlog.ApprovalEndFacts{Approval: asked.Approval, Act: asked.Act, ParametersSHA256: asked.ParametersSHA256}, nil)
	s.tell(tlog.KeySessionOpened, tlog.SessionFacts{Session: id("by two"), Issuer: theIssuer, Ends: tlog.Instant(s.at.Add(time.Hour)), Signatures: 9, Approval: asked.Approval}, nil)
	s.tell(tlog.CardActivated, tlog.ActivationFacts{ICCSN: order(1).ICCSN, RequestedAt: tlog.Instant(s.at)}, map[string]string{"reference": "x"})
	return s
}

func TestGoodStory(t *testing.T) {
	s := good(t)
	wantFindings(t, s.verify(s.export(Content{}, 0, 0), Options{Whole: true}))
}

// TestRules lets the log tell of what must not be. The tree is in order each time, and signed.
func TestRules(t *testing.T) {
	abandoned := func(o tlog.OrderFacts) tlog.AbandonFacts {
		return tlog.AbandonFacts{Order: o.Order, Attempt: o.Attempt, ICCSN: o.ICCSN, Reason: "process-ended"}
	}
	for _, c := range []struct {
		name string
		tell func(s *story)
		want []string
	}{
		{"a card that was not recorded", func(s *story) { s.tell(tlog.CardIssued, card(order(9)), nil) },
			[]string{"was not recorded before, or has ended already"}},
		{"an attempt that ends twice", func(s *story) { s.issue(order(9)); s.tell(tlog.AttemptAbandoned, abandoned(order(9)), nil) },
			[]string{"was not recorded before, or has ended already"}},
		{"an attempt that is recorded twice", func(s *story) {
			o := order(9)
			s.record(o)
			o.SameOrderAs = id("another")
			o.Drafts[0].Serial = "0b"
			s.record(o)
		}, []string{"is recorded a second time", "it does not refer to the first attempt of its order", "the attempt " + order(9).Attempt + " is there twice: leaf 4"}},
		{"another certificate than was recorded", func(s *story) {
			s.record(order(9))
			f := card(order(9))
			f.Certificates[0].KeySHA256 = hashOf("another")
			s.tell(tlog.CardIssued, f, nil)
		}, []string{"certificate 0, slot C.HCI.AUT.E256: it is not the draft that was recorded"}},
		{"fewer certificates than were recorded", func(s *story) {
			s.record(order(9))
			f := card(order(9))
			f.Certificates = f.Certificates[:1]
			s.tell(tlog.CardIssued, f, nil)
		}, []string{"it has 1 certificates, recorded were 2 drafts"}},
		{"another sector than was recorded", func(s *story) {
			s.record(order(9))
			f := card(order(9))
			f.Sector = "kbv"
			s.tell(tlog.CardIssued, f, nil)
		}, []string{`sector is "kbv", recorded was "dkg"`}},
		{"a card of another order", func(s *story) {
			s.record(order(9))
			f := card(order(9))
			f.Order = "order-8"
			s.tell(tlog.CardIssued, f, nil)
		}, []string{"is of another order or chip"}},
		{"a serial number twice", func(s *story) {
			a, b := order(8), order(9)
			b.Drafts[0].Serial = a.Drafts[0].Serial
			s.issue(a)
			s.issue(b)
		}, []string{"leaf 6 (order-recorded): the serial number " + theIssuer + " " + order(8).Drafts[0].Serial + " is there twice: leaf 4 has it already"}},
		{"a CHR twice", func(s *story) {
			a, b := order(8), order(9)
			b.Drafts[1].CHR = a.Drafts[1].CHR
			s.issue(a)
			s.issue(b)
		}, []string{"the CHR " + theIssuer + " " + order(8).Drafts[1].CHR + " is there twice: leaf 5"}},
		{"a key twice", func(s *story) {
			a, b := order(8), order(9)
			b.Drafts[0].KeySHA256 = a.Drafts[0].KeySHA256
			s.issue(a)
			s.issue(b)
		}, []string{"the public key " + order(8).Drafts[0].KeySHA256 + " is there twice"}},
		{"two cards of a chip", func(s *story) {
			a, b := order(8), order(9)
			b.ICCSN = a.ICCSN
			s.issue(a)
			s.issue(b)
		}, []string{"the card of chip " + order(8).ICCSN + " is there twice"}},
		{"a certificate of more than five years", func(s *story) {
			o := order(9)
			o.Drafts[0].NotAfter = tlog.Instant(day.AddDate(5, 0, 0))
			s.issue(o)
		}, []string{"draft 0, slot C.HCI.AUT.E256: it is valid for more than five years"}},
		{"an issuer that is not known", func(s *story) {
			o := order(9)
			o.Drafts[0].Issuer = "NOBODY"
			s.issue(o)
		}, []string{"the log does not know issuer NOBODY before", "no key session of issuer NOBODY was open"}},
		{"an issuer below one that is not known", func(s *story) {
			s.tell(tlog.IssuerAdded, tlog.IssuerAddedFacts{Name: "X", Kind: "smcb-ca", CertificateSHA256: hashOf("X"), IssuedBy: "NOBODY"}, nil)
		}, []string{"issuer X is below NOBODY"}},
		{"an issuer's name with another certificate", func(s *story) {
			s.tell(tlog.IssuerAdded, tlog.IssuerAddedFacts{Name: theIssuer, Kind: "smcb-ca", CertificateSHA256: hashOf("X"), IssuedBy: theRoot}, nil)
		}, []string{"the name of issuer ISSUER stands for another certificate than before"}},
		{"a card after the end of the key session", func(s *story) { s.at = s.at.Add(9 * time.Hour); s.issue(order(9)) },
			[]string{"draft 0, slot C.HCI.AUT.E256: no key session", "draft 1, slot C.SMC.AUTR_CVC.E256: no key session"}},
		{"a card after the key session was closed", func(s *story) {
			s.tell(tlog.KeySessionClosed, tlog.SessionEndFacts{Session: id("session"), Issuer: theIssuer, Reason: "operator"}, nil)
			s.at = s.at.Add(2 * time.Minute)
			s.issue(order(9))
		}, []string{"draft 0, slot C.HCI.AUT.E256: no key session", "draft 1"}},
		{"more drafts than signatures", func(s *story) {
			s.entries = s.entries[:3]
			s.open("session", 1)
			s.issue(order(9))
		}, []string{"draft 1, slot C.SMC.AUTR_CVC.E256: it is draft number 2 of issuer ISSUER, and only 1 signatures were drawn"}},
		{"a key session that is opened twice", func(s *story) { s.open("session", 0) }, []string{"the key session is opened a second time"}},
		{"a key session that is closed twice", func(s *story) {
			for range 2 {
				s.tell(tlog.KeySessionClosed, tlog.SessionEndFacts{Session: id("session"), Issuer: theIssuer, Reason: "time"}, nil)
			}
		}, []string{"the key session is closed a second time"}},
		{"more signatures than a session has", func(s *story) {
			s.tell(tlog.KeySessionDrawn, tlog.DrawFacts{Session: id("session"), Issuer: theIssuer, Signatures: 901, Drawn: 1001}, nil)
		}, []string{"1001 signatures are drawn from a key session of at most 1000"}},
		{"signatures that do not add up", func(s *story) {
			s.tell(tlog.KeySessionDrawn, tlog.DrawFacts{Session: id("session"), Issuer: theIssuer, Signatures: 10, Drawn: 20}, nil)
		}, []string{"20 signatures are drawn by all after 10 of now, before it were 100"}},
		{"a key session by one person alone", func(s *story) {
			s.tell(tlog.ServerStarted, tlog.ServerFacts{Environment: "production", ProfileSetSHA256: hashOf("p"),
				Issuers: []tlog.IssuerFacts{{Name: theIssuer, Kind: "smcb-ca", CertificateSHA256: hashOf(theIssuer)}}}, nil)
			s.open("alone", 0)
		}, []string{"a server opened the key session alone, in environment production"}},
		{"a key session that nobody approved", func(s *story) {
			s.tell(tlog.KeySessionOpened, tlog.SessionFacts{Session: id("x"), Issuer: theIssuer, Ends: tlog.Instant(s.at.Add(time.Hour)), Signatures: 9, Approval: id("no")}, nil)
		}, []string{"which was not made before"}},
		{"a person who approves what the same person asked for", func(s *story) {
			s.tell(tlog.ApprovalRequested, tlog.ApprovalRequestFacts{Approval: id("a"), Act: "x", Summary: "x", Parameters: []byte(`{}`), ParametersSHA256: hashOf(`{}`),
				Person: "Anna", Expires: tlog.Instant(s.at)}, map[string]string{"reason": "x"})
			s.tell(tlog.ApprovalGiven, tlog.ApprovalDecisionFacts{Approval: id("a"), Act: "x", ParametersSHA256: hashOf(`{}`), Person: "Anna"}, nil)
		}, []string{"Anna approves what the same person asked for"}},
		{"a renewal of a card that is not there", func(s *story) {
			o := order(9)
			o.Renews, o.Drafts = "order-7", o.Drafts[1:]
			s.issue(o)
		}, []string{"it is about the card of order order-7, which the log does not have"}},
		{"an activation of a card that is not there", func(s *story) {
			s.tell(tlog.CardActivated, tlog.ActivationFacts{ICCSN: order(7).ICCSN, RequestedAt: tlog.Instant(s.at)}, map[string]string{"reference": "x"})
		}, []string{"leaf 4 (card-activated): it is about the card of chip " + order(7).ICCSN + ", which the log does not have"}},
		{"a card that is activated twice", func(s *story) {
			s.issue(order(7))
			for range 2 {
				s.tell(tlog.CardActivated, tlog.ActivationFacts{ICCSN: order(7).ICCSN, RequestedAt: tlog.Instant(s.at)}, map[string]string{"reference": "x"})
			}
		}, []string{"the activation of chip " + order(7).ICCSN + " is there twice"}},
		{"an entry that is not as those of its kind", func(s *story) { s.tell(tlog.AttemptAbandoned, map[string]string{"x": "y"}, nil) },
			[]string{"it is not as entries of its kind are"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newStory(t)
			c.tell(s)
			r := s.verify(s.export(Content{}, 0, 0), Options{})
			wantFindings(t, r, c.want...)
		})
	}
}
