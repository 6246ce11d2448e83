package main

import (
	"fmt"

	"github.com/siegel-pki/siegel/profiles"
)

// catalogueCmd is `siegel profiles`.
type catalogueCmd struct{}

// Run prints what an order can name.
func (catalogueCmd) Run(t *terminal) error {
	set, err := profiles.Builtin()
	if err != nil {
		return fmt.Errorf("load the catalogue: %w", err)
	}
	for _, card := range set.CardTypes() {
		fmt.Fprintf(t.out, "%s  %s\n", t.bold("card type "+card.Name), card.Title)
		rows := [][]string{{"SLOT", "KEY", "PROFILE"}}
		for _, s := range card.Slots {
			rows = append(rows, []string{s.Name, s.Key.String(), s.Profile})
		}
		for _, s := range card.NotBuilt {
			rows = append(rows, []string{s.Name, "", "not built: " + s.Reason})
		}
		t.table(rows)
		fmt.Fprintln(t.out)
	}
	rows := [][]string{{"SECTOR", "TITLE"}}
	for _, s := range set.Sectors() {
		rows = append(rows, []string{s.Name, s.Title})
	}
	t.table(rows)
	return nil
}
