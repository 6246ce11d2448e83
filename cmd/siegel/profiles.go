package main

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/siegel-pki/siegel/profiles"
)

// profilesCmd is `siegel profiles`.
type profilesCmd struct {
	Name string `arg:"" optional:"" help:"Card type, sector, profile or kind of issuer to explain, or institutions, chat, subca, algorithms or revocation. Without: list all."`
}

// Run lists the built-in catalogue, or explains one file of it.
func (c *profilesCmd) Run(g *globals, t *terminal) error {
	set, err := profiles.Builtin()
	if err != nil {
		return fmt.Errorf("load the catalogue: %w", err)
	}
	if c.Name != "" {
		return explain(g, t, set, c.Name)
	}
	list := catalogueOf(set)
	if g.JSON {
		return t.jsonOf(list)
	}
	list.print(t)
	return nil
}

// widestField is the longest field that sets the width of the column; what is longer stands out of it.
const widestField = 40

// explain prints what a data file says: every field with its value and where it comes from.
func explain(g *globals, t *terminal, set *profiles.Set, name string) error {
	e, found := set.Explain(name)
	if !found {
		return usageError(fmt.Errorf("the catalogue has no card type, sector, profile or issuer %q; siegel profiles lists them", name))
	}
	if g.JSON {
		return t.jsonOf(e)
	}
	fmt.Fprintln(t.out, t.bold(e.Name)+"  as in "+e.File)
	width := 0
	for _, f := range e.Facts {
		if n := utf8.RuneCountInString(f.Field); n <= widestField {
			width = max(width, n)
		}
	}
	for _, f := range e.Facts {
		line := fmt.Sprintf("  %-*s  %s", width, f.Field, f.Value)
		if f.Source != "" {
			line += "  " + t.faint("["+f.Source+"]")
		}
		fmt.Fprintln(t.out, line)
	}
	return nil
}

// listing is the catalogue by names, as --json prints it.
type listing struct {
	Hash      string         `json:"hash"` // SHA-256 of the catalogue: the log keeps it with every card
	CardTypes []listedCard   `json:"card_types"`
	Sectors   []listedSector `json:"sectors"`
	Profiles  []listedFile   `json:"profiles"`
	Issuers   []listedFile   `json:"issuers"` // kinds of issuers, and of signers to whom they delegate
}

type listedCard struct {
	Name     string       `json:"name"`
	Title    string       `json:"title"`
	Slots    []listedSlot `json:"slots"`
	NotBuilt []string     `json:"not_built,omitempty"`
	Sectors  []string     `json:"sectors"` // that may order it
}

type listedSlot struct {
	Name    string `json:"slot"`
	Key     string `json:"key"`
	Profile string `json:"profile"`
}

type listedSector struct {
	Name         string   `json:"name"`
	Title        string   `json:"title"`
	Institutions []string `json:"institutions"` // object identifiers
	Gaps         int      `json:"gaps"`         // what the sources do not settle about it
}

type listedFile struct {
	Name  string `json:"name"`
	Title string `json:"title"`
}

func catalogueOf(set *profiles.Set) listing {
	l := listing{Hash: fmt.Sprintf("%x", set.Hash())}
	for _, s := range set.Sectors() {
		l.Sectors = append(l.Sectors, listedSector{s.Name, s.Title, s.Institutions.Value, len(s.Gaps)})
	}
	for _, c := range set.CardTypes() {
		card := listedCard{Name: c.Name, Title: c.Title}
		for _, s := range c.Slots {
			card.Slots = append(card.Slots, listedSlot{s.Name, s.Key.String(), s.Profile})
		}
		for _, s := range c.NotBuilt {
			card.NotBuilt = append(card.NotBuilt, s.Name+": "+s.Reason)
		}
		for _, s := range set.Sectors() {
			if s.Holder.Value == c.Holder.Value {
				card.Sectors = append(card.Sectors, s.Name)
			}
		}
		l.CardTypes = append(l.CardTypes, card)
	}
	for _, p := range set.X509Profiles() {
		l.Profiles = append(l.Profiles, listedFile{p.Name, p.Title})
	}
	for _, p := range set.CVCProfiles() {
		l.Profiles = append(l.Profiles, listedFile{p.Name, p.Title})
	}
	for _, p := range set.IssuerProfiles() {
		l.Issuers = append(l.Issuers, listedFile{string(p.Kind), p.Title})
	}
	return l
}

func (l listing) print(t *terminal) {
	for _, card := range l.CardTypes {
		fmt.Fprintf(t.out, "%s  %s\n", t.bold("card type "+card.Name), card.Title)
		rows := [][]string{{"SLOT", "KEY", "PROFILE"}}
		for _, s := range card.Slots {
			rows = append(rows, []string{s.Name, s.Key, s.Profile})
		}
		t.table(rows)
		for _, s := range card.NotBuilt {
			fmt.Fprintln(t.out, "not built: "+s)
		}
		fmt.Fprintln(t.out, "sectors: "+strings.Join(card.Sectors, ", ")+"\n")
	}
	rows := [][]string{{"SECTOR", "TITLE"}}
	for _, s := range l.Sectors {
		rows = append(rows, []string{s.Name, s.Title})
	}
	t.table(rows)
	printFiles(t, "PROFILE", l.Profiles)
	printFiles(t, "ISSUER", l.Issuers)
	fmt.Fprintln(t.out, "\nsiegel profiles NAME explains one of these, with the source of every field. The names institutions, chat, subca, algorithms and revocation are explained too.")
}

func printFiles(t *terminal, heading string, files []listedFile) {
	rows := [][]string{{heading, "TITLE"}}
	for _, p := range files {
		rows = append(rows, []string{p.Name, p.Title})
	}
	fmt.Fprintln(t.out)
	t.table(rows)
}
