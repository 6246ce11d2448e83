package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/siegel-pki/siegel/profiles"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// policyReport is what a changed policy would mean. Its JSON is what --json prints.
type policyReport struct {
	Day       string           `json:"day"` // YYYY-MM-DD
	CardTypes []cardTypeReport `json:"card_types"`
	Server    json.RawMessage  `json:"server,omitempty"` // of server, set when it is printed

	all            bool                           // print also what does not change
	server         *siegelv1.ReviewPolicyResponse // nil: not asked
	otherCatalogue bool                           // the server's catalogue is not the built-in one
}

// cardTypeReport tells of a card type: whether every order for it is refused, and of its slots.
type cardTypeReport struct {
	CardType    string       `json:"card_type"`
	RefusedNow  bool         `json:"refused_now"`
	RefusedThen bool         `json:"refused_then"`
	Slots       []slotReport `json:"slots,omitempty"`
}

type slotReport struct {
	Slot string        `json:"slot"`
	Now  outlookReport `json:"now"`
	Then outlookReport `json:"then"`
}

type outlookReport struct {
	Refused   bool   `json:"refused"`
	LastDay   string `json:"last_day,omitempty"`  // none: there is no end
	Algorithm string `json:"algorithm,omitempty"` // that the last day is of
	Exception string `json:"exception,omitempty"` // that lifts it
}

// addCards takes the comparison of the catalogues in: all of it, or what changes.
func (r *policyReport) addCards(cards []profiles.CardOutlook) {
	for _, c := range cards {
		card := cardTypeReport{CardType: c.CardType, RefusedNow: c.RefusedNow, RefusedThen: c.RefusedThen}
		for _, s := range c.Slots {
			if r.all || s.Changed() {
				card.Slots = append(card.Slots, slotReport{s.Slot, reportOf(s.Now), reportOf(s.Then)})
			}
		}
		if len(card.Slots) > 0 {
			r.CardTypes = append(r.CardTypes, card)
		}
	}
}

func reportOf(o profiles.Outlook) outlookReport {
	report := outlookReport{Refused: o.Refused}
	if _, ends := o.LastDay().End(); ends {
		report.LastDay, report.Algorithm, report.Exception = o.LastDay().String(), o.Limit.Name, o.Exception()
	}
	return report
}

// words says what holds for a slot.
func (o outlookReport) words() string {
	switch {
	case o.LastDay == "":
		return "no end"
	case o.Refused:
		return "refused, last day " + o.LastDay
	}
	return "last day " + o.LastDay
}

func (r *policyReport) printJSON(t *terminal) error {
	if r.server != nil {
		var err error
		if r.Server, err = (protojson.MarshalOptions{UseProtoNames: true}).Marshal(r.server); err != nil {
			return fmt.Errorf("encode the answer: %w", err)
		}
	}
	return t.jsonOf(r)
}

func (r *policyReport) print(t *terminal, file string) {
	fmt.Fprintln(t.out, t.bold("if "+file+" were the policy on "+r.Day))
	if r.otherCatalogue {
		fmt.Fprintln(t.out, t.yellow("note: ")+"the server has another catalogue than this program; what stands here of card types and slots is of this program's")
	}
	r.printSlots(t)
	if r.server == nil {
		fmt.Fprintln(t.out, "\nnot looked at, since no server was asked: orders that wait, certificates in the field, exceptions that a server grants")
		return
	}
	if granted := r.server.GetLegacyExceptions(); len(granted) > 0 {
		fmt.Fprintln(t.out, "\nthe server grants the exceptions "+strings.Join(granted, ", ")+", so that what they lift is not refused")
	}
	r.printWaiting(t)
	r.printCertificates(t)
	if n := r.server.GetNotJudged(); n > 0 {
		fmt.Fprintf(t.out, "\n%s%d drafts and certificates could not be judged: their profile or issuer is gone\n", t.yellow("note: "), n)
	}
}

func (r *policyReport) printSlots(t *terminal) {
	if len(r.CardTypes) == 0 {
		fmt.Fprintln(t.out, "\nno slot of any card type would change")
		return
	}
	rows := [][]string{{"CARD TYPE", "SLOT", "NOW", "THEN", "EXCEPTION"}}
	var gone []string
	for _, c := range r.CardTypes {
		for _, s := range c.Slots {
			rows = append(rows, []string{c.CardType, s.Slot, s.Now.words(), s.Then.words(), s.Then.Exception})
		}
		if c.RefusedThen && !c.RefusedNow {
			gone = append(gone, c.CardType)
		}
	}
	fmt.Fprintln(t.out)
	t.table(rows)
	if len(gone) > 0 {
		fmt.Fprintln(t.out, t.red("no order could be fulfilled any more for ")+strings.Join(gone, ", "))
	}
}

// printWaiting prints the waiting orders that only the changed policy refuses, or all that it refuses.
func (r *policyReport) printWaiting(t *terminal) {
	s := r.server
	fmt.Fprintf(t.out, "\norders that wait for their card: %d, of which the changed policy refuses %d\n", s.GetWaitingOrders(), s.GetRefusedOrders())
	rows := [][]string{{"ORDER", "CARD TYPE", "SECTOR", "RECORDED", "STATE", "REFUSED SLOTS"}}
	for _, o := range s.GetRefused() {
		if !r.all && o.GetRefusedNow() {
			continue
		}
		state := "abandoned"
		if o.GetOpen() {
			state = "under way"
		}
		var slots []string
		for _, slot := range o.GetSlots() {
			slots = append(slots, slot.GetSlot())
		}
		rows = append(rows, []string{o.GetOrderId(), o.GetCardType(), o.GetSector(), day(o.GetRecordedAt()), state, strings.Join(slots, ", ")})
	}
	if len(rows) > 1 {
		t.table(rows)
	}
	if more := s.GetRefusedOrders() - int64(len(s.GetRefused())); more > 0 {
		fmt.Fprintf(t.out, "and %d more that are not listed\n", more)
	}
}

// printCertificates prints the algorithms whose end changes, or all that end.
func (r *policyReport) printCertificates(t *terminal) {
	s := r.server
	fmt.Fprintf(t.out, "\ncertificates in the field that outlive an algorithm of theirs: %d now, %d then\n", s.GetOutliveNow(), s.GetOutliveThen())
	rows := [][]string{{"ALGORITHM", "LAST DAY NOW", "THEN", "OUTLIVED BY"}}
	for _, a := range s.GetAlgorithms() {
		changes := a.GetNew() || a.GetLastDayNow() != a.GetLastDayThen()
		if !changes && (!r.all || a.GetLastDayThen() == "") {
			continue
		}
		now := orDefault(a.GetLastDayNow(), "none")
		if a.GetNew() {
			now = "not known"
		}
		rows = append(rows, []string{a.GetName(), now, orDefault(a.GetLastDayThen(), "none"), strconv.FormatInt(a.GetOutlive(), 10)})
	}
	if len(rows) > 1 {
		t.table(rows, "OUTLIVED BY")
	}
}

// verdict is the error of a change that refuses what is not refused today; nil where there is none.
func (r *policyReport) verdict() error {
	slots, orders := 0, 0
	for _, c := range r.CardTypes {
		for _, s := range c.Slots {
			if s.Then.Refused && !s.Now.Refused {
				slots++
			}
		}
	}
	for _, o := range r.server.GetRefused() {
		if !o.GetRefusedNow() {
			orders++
		}
	}
	if slots+orders == 0 {
		return nil
	}
	text := "the changed policy would refuse " + count(slots, "slot", "slots")
	if r.server != nil {
		text += " and " + count(orders, "waiting order", "waiting orders")
	}
	return invalid(errors.New(text + " more"))
}
