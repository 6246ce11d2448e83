package ca

import (
	"context"
	"time"

	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/profiles"
)

// PolicyReview is what another algorithm policy would mean for what the CA has in hand. What it says holds for environment production with the
// legacy exceptions of this CA.
type PolicyReview struct {
	Environment profiles.Environment // of this CA
	Exceptions  []string             // granted here
	Catalogue   [32]byte             // hash of the catalogue in force
	// Waiting are the orders without a card that the changed policy would refuse, by order id, at most maxWaiting of them. The
	// counts are of all.
	Waiting        []WaitingReview
	WaitingRefused int64 // by the changed policy
	WaitingOrders  int64
	// Algorithms are those of the changed policy, in its order.
	Algorithms []AlgorithmReview
	// OutliveNow and OutliveThen count the issued certificates that end after the last day of an algorithm which they use, by this CA's
	// policy and by the changed one.
	OutliveNow, OutliveThen int64
	// NotJudged counts drafts of waiting orders and issued certificates whose profile or issuer this server does not know any more.
	NotJudged int64
}

// maxWaiting bounds how many orders a review names.
const maxWaiting = 1000

// WaitingReview is a waiting order that the changed policy would refuse.
type WaitingReview struct {
	WaitingOrder
	RefusedNow bool                   // by this CA's policy too
	Slots      []profiles.SlotOutlook // that the changed policy refuses
}

// AlgorithmReview is an algorithm of the changed policy.
type AlgorithmReview struct {
	*profiles.Algorithm
	LastDayNow profiles.Deadline // by this CA's policy
	New        bool              // this CA's policy does not know the algorithm
	Outlive    int64             // issued certificates that use it and end after its last day by the changed policy
}

// ReviewPolicy says what another algorithm policy would mean for orders that wait and for certificates in the field, if orders were sent on
// the day of an instant. The policy is the content of an algorithms.yaml; one that is no good gives profiles.Problems. It records nothing.
// It reads every certificate.
func (a *Authority) ReviewPolicy(ctx context.Context, policy []byte, at time.Time) (*PolicyReview, error) {
	changed, err := a.profiles.WithPolicy("algorithms.yaml", policy)
	if err != nil {
		return nil, err
	}
	r := &reviewer{
		set: a.profiles, now: a.profiles.Policy(), then: changed.Policy(), keys: map[string]sigalg.KeyType{},
		on: profiles.Review{At: at, Exceptions: a.rules.Load().exceptions}, unknown: map[AlgorithmsUsed]int64{},
	}
	for _, i := range a.public {
		r.keys[i.Name] = i.KeyType
	}
	r.answer.Environment, r.answer.Exceptions, r.answer.Catalogue = a.config.Environment, a.rules.Load().exceptions, a.profiles.Hash()
	if err := r.waiting(ctx, a.store); err != nil {
		return nil, storeFailure("review waiting orders", err)
	}
	if err := r.outliving(ctx, a.store); err != nil {
		return nil, storeFailure("review issued certificates", err)
	}
	return &r.answer, nil
}

// reviewer is the work on one review.
type reviewer struct {
	set       *profiles.Set
	now, then *profiles.Policy
	keys      map[string]sigalg.KeyType // of the issuers, by name
	on        profiles.Review
	unknown   map[AlgorithmsUsed]int64 // groups of certificates that cannot be judged, with the greatest number met
	answer    PolicyReview
}

// uses gives what a draft or certificate needs algorithms for; false where that cannot be told.
func (r *reviewer) uses(u AlgorithmsUsed) (key, signature profiles.AlgorithmUse, ok bool) {
	issuerKey, known := r.keys[u.Issuer]
	if !known {
		return key, signature, false
	}
	return r.set.Uses(u.Slot, u.Profile, u.Scheme, issuerKey)
}

// waitingPage is how many orders are read at a time.
const waitingPage = 500

// waiting judges every order that has no card.
func (r *reviewer) waiting(ctx context.Context, store Store) error {
	for after := ""; ; {
		page, err := store.WaitingOrders(ctx, after, waitingPage)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, order := range page {
			r.order(order)
		}
		after = page[len(page)-1].OrderID
	}
}

func (r *reviewer) order(order WaitingOrder) {
	r.answer.WaitingOrders++
	review := WaitingReview{WaitingOrder: order}
	for _, d := range order.Drafts {
		key, signature, ok := r.uses(d)
		if !ok {
			r.answer.NotJudged++
			continue
		}
		o := profiles.SlotOutlook{Slot: d.Slot, Now: r.now.Outlook(key, signature, r.on), Then: r.then.Outlook(key, signature, r.on)}
		review.RefusedNow = review.RefusedNow || o.Now.Refused
		if o.Then.Refused {
			review.Slots = append(review.Slots, o)
		}
	}
	if len(review.Slots) == 0 {
		return
	}
	r.answer.WaitingRefused++
	if len(r.answer.Waiting) < maxWaiting {
		r.answer.Waiting = append(r.answer.Waiting, review)
	}
}

// outliving counts the certificates that end after the last days of their algorithms. The store is asked once for each day.
func (r *reviewer) outliving(ctx context.Context, store Store) error {
	byUse := map[profiles.AlgorithmUse]int64{} // by the changed policy
	for _, day := range r.days() {
		end, _ := day.End()
		counts, err := store.CountOutliving(ctx, end)
		if err != nil {
			return err
		}
		for _, c := range counts {
			r.count(c, day, byUse)
		}
	}
	for _, n := range r.unknown {
		r.answer.NotJudged += n
	}
	for i := range r.then.Algorithms {
		then := &r.then.Algorithms[i]
		review := AlgorithmReview{Algorithm: then, Outlive: byUse[then.Use], New: true}
		if now, known := r.now.Algorithm(then.Use); known {
			review.New, review.LastDayNow = false, now.LastDay.Value
		}
		r.answer.Algorithms = append(r.answer.Algorithms, review)
	}
	return nil
}

// days lists the last days of both policies, each once.
func (r *reviewer) days() []profiles.Deadline {
	var days []profiles.Deadline
	seen := map[profiles.Deadline]bool{{}: true} // no end is no day
	for _, p := range []*profiles.Policy{r.now, r.then} {
		for _, a := range p.Algorithms {
			if day := a.LastDay.Value; !seen[day] {
				seen[day] = true
				days = append(days, day)
			}
		}
	}
	return days
}

// count takes a group of certificates that end after a day into the numbers that are about this day.
func (r *reviewer) count(c CertificateCount, day profiles.Deadline, byUse map[profiles.AlgorithmUse]int64) {
	key, signature, ok := r.uses(c.AlgorithmsUsed)
	if !ok {
		r.unknown[c.AlgorithmsUsed] = max(r.unknown[c.AlgorithmsUsed], c.Certificates)
		return
	}
	for _, use := range []profiles.AlgorithmUse{key, signature} {
		if row, known := r.then.Algorithm(use); known && row.LastDay.Value == day {
			byUse[use] += c.Certificates
		}
	}
	// What outlives two days outlives the earlier, and is counted there only.
	if earlierEnd(r.now, key, signature) == day {
		r.answer.OutliveNow += c.Certificates
	}
	if earlierEnd(r.then, key, signature) == day {
		r.answer.OutliveThen += c.Certificates
	}
}

// earlierEnd is the earlier last day of two uses; none where neither ends.
func earlierEnd(p *profiles.Policy, uses ...profiles.AlgorithmUse) (end profiles.Deadline) {
	for _, use := range uses {
		if row, known := p.Algorithm(use); known && row.LastDay.Value.Before(end) {
			end = row.LastDay.Value
		}
	}
	return end
}
