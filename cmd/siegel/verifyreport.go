package main

import (
	"fmt"
	"strings"
)

// verification is what `siegel verify --json` prints, after all cards were looked at.
type verification struct {
	ValidOn string        `json:"valid_on"` // YYYY-MM-DD
	Trust   string        `json:"trust"`    // "named" by --trust, or "folder": the roots in each folder, which shows only consistency
	Good    bool          `json:"good"`     // no fault anywhere
	Cards   []*cardReport `json:"cards"`
}

// cardReport is what was found in the folder of one card.
type cardReport struct {
	Folder       string     `json:"folder"`
	ICCSN        string     `json:"iccsn"`               // name of the folder
	CardType     string     `json:"card_type,omitempty"` // as card.json says
	Certificates []*finding `json:"certificates"`
	Faults       []string   `json:"faults,omitempty"` // of the card as a whole
	Notes        []string   `json:"notes,omitempty"`  // what could not be checked, or is not as usual
}

// finding is what was found about one certificate.
type finding struct {
	Name    string   `json:"name"`
	File    string   `json:"file"` // relative to the folder
	Good    bool     `json:"good"`
	NoDates bool     `json:"no_dates,omitempty"` // it carries none, so that no day was looked at
	Chain   []string `json:"chain,omitempty"`    // of the issuers above it, the root last
	Faults  []string `json:"faults,omitempty"`
}

// add enters a certificate with the result of following its chain.
func (r *cardReport) add(name, file string, chain []string, err error) *finding {
	f := &finding{Name: name, File: file, Good: true, Chain: chain}
	if err != nil {
		f.fault("%v", err)
	}
	r.Certificates = append(r.Certificates, f)
	return f
}

func (f *finding) fault(format string, args ...any) {
	f.Good, f.Chain = false, nil
	f.Faults = append(f.Faults, fmt.Sprintf(format, args...))
}

func (r *cardReport) fault(format string, args ...any) {
	r.Faults = append(r.Faults, fmt.Sprintf(format, args...))
}

// print tells a person, a line for each certificate and for each fault of the whole.
func (r *cardReport) print(t *terminal) {
	fmt.Fprintln(t.out, t.bold("card "+r.ICCSN))
	for _, f := range r.Certificates {
		name := f.Name
		if f.NoDates {
			name += " (no dates)"
		}
		if f.Good {
			fmt.Fprintf(t.out, "  %s  %s\n", t.green("good"), strings.Join(append([]string{name}, f.Chain...), " ← "))
		} else {
			fmt.Fprintf(t.out, "  %s  %s: %s\n", t.red("BAD "), name, strings.Join(f.Faults, "; "))
		}
	}
	for _, fault := range r.Faults {
		fmt.Fprintf(t.out, "  %s  the card: %s\n", t.red("BAD "), fault)
	}
	for _, note := range r.Notes {
		fmt.Fprintf(t.out, "  %s  %s\n", t.yellow("note"), note)
	}
}

// counts are what the last line and the exit code tell.
type counts struct{ good, bad, broken int } // certificates, certificates, cards

func (v *verification) counts() counts {
	var n counts
	for _, r := range v.Cards {
		for _, f := range r.Certificates {
			if f.Good {
				n.good++
			} else {
				n.bad++
			}
		}
		if len(r.Faults) > 0 {
			n.broken++
		}
	}
	return n
}

// err gives nil where all is good.
func (n counts) err() error {
	var parts []string
	if n.bad > 0 {
		parts = append(parts, count(n.bad, "certificate does", "certificates do")+" not verify")
	}
	if n.broken > 0 {
		parts = append(parts, count(n.broken, "card is", "cards are")+" not whole")
	}
	if parts == nil {
		return nil
	}
	return invalid(fmt.Errorf("%s", strings.Join(parts, ", ")))
}
