package ceremony

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var (
	thisFile  = [32]byte{1}
	otherFile = [32]byte{2}
	noon      = time.Date(2026, 3, 2, 12, 0, 0, 123, time.UTC)
)

// begun opens a journal with its first lines.
func begun(t *testing.T) (dir string, j *Journal) {
	t.Helper()
	dir = t.TempDir()
	j, err := OpenJournal(dir, thisFile)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	write(t, j, "run", Done, Facts{Run: &RunFacts{File: thisFile[:], Confirmed: "typing", Program: "test"}})
	write(t, j, "create key a", Began, Facts{})
	return dir, j
}

func write(t *testing.T, j *Journal, step string, state State, facts Facts) {
	t.Helper()
	if err := j.Append(step, state, facts, noon); err != nil {
		t.Fatal(err)
	}
}

// TestJournalIsReadBack: what was appended is there after the end of the program, and goes on.
func TestJournalIsReadBack(t *testing.T) {
	dir, j := begun(t)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j, err := OpenJournal(dir, thisFile)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if _, done, began := j.Step("create key a"); done || !began {
		t.Errorf("the step is done %t, began %t, want a step that began", done, began)
	}
	write(t, j, "create key a", Failed, Facts{Note: "away"})
	write(t, j, "create key a", Began, Facts{})
	write(t, j, "create key a", Done, Facts{Key: &KeyFacts{Label: "a", ID: Hex{1}, Attributes: []Attribute{{"CKA_SIGN", true}}}})
	read, err := ReadJournal(dir, thisFile)
	if err != nil || len(read.Entries()) != 5 {
		t.Fatalf("read %d entries, %v, want 5", len(read.Entries()), err)
	}
	facts, done, _ := read.Step("create key a")
	if !done || facts.Key == nil || facts.Key.ID.String() != "01" || !facts.Key.Attributes[0].Value || !read.Entries()[4].Time.Equal(noon.Truncate(time.Second)) {
		t.Errorf("read %+v of %+v", facts.Key, read.Entries()[4])
	}
}

// TestJournalCutsOffWhatIsHalf: the power failed in the middle of a line, or behind it.
func TestJournalCutsOffWhatIsHalf(t *testing.T) {
	dir, j := begun(t)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, JournalName)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := len(whole) - 1; cut > len(whole)-40; cut-- {
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		j, err := OpenJournal(dir, thisFile)
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		if n := len(j.Entries()); n != 1 {
			t.Errorf("cut at %d: %d entries, want the one that is whole", cut, n)
		}
		write(t, j, "create key b", Began, Facts{})
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		if read, err := ReadJournal(dir, thisFile); err != nil || len(read.Entries()) != 2 {
			t.Errorf("cut at %d: %v after the next entry", cut, err)
		}
	}
}

// TestJournalRefuses what another ceremony wrote, a second program, and lines that were changed.
func TestJournalRefuses(t *testing.T) {
	dir, j := begun(t)
	if _, err := OpenJournal(dir, thisFile); err == nil || !strings.Contains(err.Error(), "another ceremony is running") {
		t.Errorf("a second program: %v, want a refusal", err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenJournal(dir, otherFile); !errors.Is(err, ErrOtherFile) {
		t.Errorf("another file: %v, want ErrOtherFile", err)
	}
	if _, err := ReadJournal(dir, otherFile); !errors.Is(err, ErrOtherFile) {
		t.Errorf("reading for another file: %v, want ErrOtherFile", err)
	}
	path := filepath.Join(dir, JournalName)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, text, want string }{
		{"unknown field", strings.Replace(string(whole), `"step":"create`, `"stage":"create`, 1), "journal.jsonl:2: "},
		{"no JSON", strings.Replace(string(whole), "{", "", 1), "journal.jsonl:1: "},
		{"first line gone", string(whole[strings.IndexByte(string(whole), '\n')+1:]), "does not begin with the ceremony file"},
	} {
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenJournal(dir, thisFile); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error with %q", c.name, err, c.want)
		}
	}
	if read, err := ReadJournal(t.TempDir(), thisFile); err != nil || len(read.Entries()) != 0 {
		t.Errorf("a folder without a journal: %v, want an empty one", err)
	}
}

// FuzzJournal reads whatever stands in the file.
func FuzzJournal(f *testing.F) {
	f.Add([]byte(`{"time":"2026-03-02T12:00:00Z","step":"run","state":"done","facts":{"run":{"file_sha256":"01","confirmed_by":"typing","program":"x"}}}` + "\n"))
	f.Add([]byte("{}\n{"))
	f.Fuzz(func(t *testing.T, text []byte) {
		j := &Journal{}
		end, err := j.parse("f", text, thisFile)
		if err == nil && (end > len(text) || end > 0 && text[end-1] != '\n') {
			t.Errorf("the whole lines of %q end at %d", text, end)
		}
	})
}
