package storetest

import "github.com/siegel-pki/siegel/ca"

// What must be unique, among whom, and for how long. An intent that wants what is taken leaves nothing: what it would have
// taken besides is still free for the next one (takesNothing).
var takeCases = []testCase{
	{"an ICCSN is taken by an open order", func(b *bench) {
		b.intend(NewIntent(1, 1))
		takesNothing(b, &ca.TakenError{What: ca.UniqueICCSN, Draft: -1}, iccsnOf(1))
	}},
	{"an ICCSN is taken by an order whose attempt was abandoned", func(b *bench) {
		b.intend(NewIntent(1, 1))
		b.abandon(NewIntent(1, 1))
		takesNothing(b, &ca.TakenError{What: ca.UniqueICCSN, Draft: -1}, iccsnOf(1))
	}},
	{"an ICCSN is taken by a card", func(b *bench) {
		b.issue(NewIntent(1, 1))
		takesNothing(b, &ca.TakenError{What: ca.UniqueICCSN, Draft: -1}, iccsnOf(1))
	}},

	{"a key is its identity, whatever its hash", func(b *bench) {
		b.issue(NewIntent(1, 1))
		in := NewIntent(2, 1)
		in.Drafts[autRSA].KeyHash = NewIntent(1, 1).Drafts[autRSA].KeyHash
		b.issue(in)
	}},
	{"a key is taken by the first draft of another order", func(b *bench) {
		b.intend(NewIntent(1, 1))
		takesNothing(b, &ca.TakenError{What: ca.UniqueKey, Draft: autRSA}, keyOf(autRSA, 1, autRSA))
	}},
	{"a key is taken by the last draft of another order", func(b *bench) {
		b.intend(NewIntent(1, 1))
		takesNothing(b, &ca.TakenError{What: ca.UniqueKey, Draft: autrCVC}, keyOf(autrCVC, 1, autrCVC))
	}},
	{"a key is taken by another slot of another order", func(b *bench) {
		b.intend(NewIntent(1, 1))
		takesNothing(b, &ca.TakenError{What: ca.UniqueKey, Draft: autrCVC}, keyOf(autrCVC, 1, autECC))
	}},
	{"a key is taken by another slot of the same order", func(b *bench) {
		takesNothing(b, &ca.TakenError{What: ca.UniqueKey, Draft: autrCVC}, keyOf(autrCVC, free, autECC))
	}},
	{"a key stays with its slot at the next attempt", func(b *bench) {
		b.intend(NewIntent(1, 1))
		b.abandon(NewIntent(1, 1))
		in := NewIntent(1, 2)
		in.Drafts[autRSA].KeyIdentity, in.Drafts[autECC].KeyIdentity = in.Drafts[autECC].KeyIdentity, in.Drafts[autRSA].KeyIdentity
		b.refusesIntent(&ca.TakenError{What: ca.UniqueKey, Draft: autRSA}, in)
		b.intend(NewIntent(1, 2))
	}},
	{"a key stays taken after its attempt was abandoned", func(b *bench) {
		b.intend(NewIntent(1, 1))
		b.abandon(NewIntent(1, 1))
		takesNothing(b, &ca.TakenError{What: ca.UniqueKey, Draft: autECC}, keyOf(autECC, 1, autECC))
	}},
	{"a key stays taken after its card was issued", func(b *bench) {
		b.issue(NewIntent(1, 1))
		takesNothing(b, &ca.TakenError{What: ca.UniqueKey, Draft: autECC}, keyOf(autECC, 1, autECC))
	}},

	{"a serial number is taken by another order", func(b *bench) {
		b.intend(NewIntent(1, 1))
		takesNothing(b, &ca.TakenError{What: ca.UniqueSerial, Draft: autECC}, serialOf(autECC, 1, 1))
	}},
	{"a serial number stays taken after its attempt was abandoned", func(b *bench) {
		b.intend(NewIntent(1, 1))
		b.abandon(NewIntent(1, 1))
		takesNothing(b, &ca.TakenError{What: ca.UniqueSerial, Draft: autRSA}, serialOf(autRSA, 1, 1))
	}},
	{"a serial number stays taken for the next attempt of its order", func(b *bench) {
		b.intend(NewIntent(1, 1))
		b.abandon(NewIntent(1, 1))
		in := NewIntent(1, 2)
		in.Drafts[autECC].Serial = NewIntent(1, 1).Drafts[autECC].Serial
		b.refusesIntent(&ca.TakenError{What: ca.UniqueSerial, Draft: autECC}, in)
		b.intend(NewIntent(1, 2))
	}},
	{"a serial number stays taken after its card was issued", func(b *bench) {
		b.issue(NewIntent(1, 1))
		takesNothing(b, &ca.TakenError{What: ca.UniqueSerial, Draft: autECC}, serialOf(autECC, 1, 1))
	}},
	{"a serial number is taken by another draft of the same attempt", func(b *bench) {
		takesNothing(b, &ca.TakenError{What: ca.UniqueSerial, Draft: autECC},
			func(in *ca.Intent) { in.Drafts[autECC].Issuer = in.Drafts[autRSA].Issuer })
	}},
	{"a serial number may serve two issuers", func(b *bench) {
		a, c := NewIntent(1, 1), NewIntent(2, 1)
		c.Drafts[autRSA].Serial = a.Drafts[autECC].Serial
		c.Drafts[autRSA].Issuer = otherX509
		b.issue(a)
		b.issue(c)
	}},

	{"a CHR is taken by another order", func(b *bench) {
		b.intend(NewIntent(1, 1))
		takesNothing(b, &ca.TakenError{What: ca.UniqueCHR, Draft: autrCVC}, chrOf(1))
	}},
	{"a CHR stays taken after its attempt was abandoned", func(b *bench) {
		b.intend(NewIntent(1, 1))
		b.abandon(NewIntent(1, 1))
		takesNothing(b, &ca.TakenError{What: ca.UniqueCHR, Draft: autrCVC}, chrOf(1))
	}},
	{"a CHR stays taken after its card was issued", func(b *bench) {
		b.issue(NewIntent(1, 1))
		takesNothing(b, &ca.TakenError{What: ca.UniqueCHR, Draft: autrCVC}, chrOf(1))
	}},
	{"a CHR is taken by another slot of the same order", func(b *bench) {
		takesNothing(b, &ca.TakenError{What: ca.UniqueCHR, Draft: autrCVC}, func(in *ca.Intent) {
			d := &in.Drafts[autECC]
			d.Format, d.Issuer, d.CHR, d.Serial = ca.CVC, cvcIssuer, in.Drafts[autrCVC].CHR, in.Drafts[autrCVC].Serial
		})
	}},
	{"a CHR may serve two issuers", func(b *bench) {
		b.issue(NewIntent(1, 1))
		in := NewIntent(2, 1)
		chrOf(1)(in)
		in.Drafts[autrCVC].Issuer = otherCVC
		b.issue(in)
	}},
}

// free is the number of an order that no case makes but takesNothing.
const free = 1000

// takesNothing intends a free order that is spoilt so that it wants what is taken. It must be refused as wanted, and the same order
// unspoilt must then be free.
func takesNothing(b *bench, want *ca.TakenError, spoil func(in *ca.Intent)) {
	b.Helper()
	in := NewIntent(free, 1)
	spoil(in)
	b.refusesIntent(want, in)
	b.issue(NewIntent(free, 1))
}

func iccsnOf(order int) func(*ca.Intent) {
	return func(in *ca.Intent) { in.ICCSN = NewIntent(order, 1).ICCSN }
}

func keyOf(draft, order, ofDraft int) func(*ca.Intent) {
	return func(in *ca.Intent) { in.Drafts[draft].KeyIdentity = NewIntent(order, 1).Drafts[ofDraft].KeyIdentity }
}

func serialOf(draft, order, try int) func(*ca.Intent) {
	return func(in *ca.Intent) { in.Drafts[draft].Serial = NewIntent(order, try).Drafts[draft].Serial }
}

func chrOf(order int) func(*ca.Intent) {
	return func(in *ca.Intent) { in.Drafts[autrCVC].CHR = NewIntent(order, 1).Drafts[autrCVC].CHR }
}
