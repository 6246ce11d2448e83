package audit

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/internal/tlog"
)

// long is a story of more than two full tiles.
func long(t *testing.T) *story {
	s := newStory(t)
	s.entries = s.entries[:3]
	s.open("session", 1000)
	for n := range 300 {
		s.issue(order(n))
	}
	return s
}

func wantOmitted(t *testing.T, r *Report, parts ...string) {
	t.Helper()
	var all strings.Builder
	for _, o := range r.Not {
		all.WriteString(o.What + ": " + o.Why + "\n")
	}
	for _, p := range parts {
		if !strings.Contains(all.String(), p) {
			t.Errorf("it is not said that %q was not checked:\n%s", p, all.String())
		}
	}
}

func TestPartsOfALog(t *testing.T) {
	s := long(t)
	t.Run("a range", func(t *testing.T) {
		r := s.verify(s.export(Content{}, 200, 300), Options{})
		wantFindings(t, r)
		wantOmitted(t, r, "the export has leaves 200 to 299 of 604", "does not begin with the first leaf")
	})
	t.Run("a range is not the whole", func(t *testing.T) {
		wantFindings(t, s.verify(s.export(Content{}, 200, 300), Options{Whole: true}), "it is not whole")
	})
	t.Run("a filter", func(t *testing.T) {
		r := s.verify(s.export(Content{Filter: &Filter{Kinds: []string{"card-issued"}}}, 0, 0), Options{})
		wantFindings(t, r)
		if r.Leaves != 300 {
			t.Errorf("%d leaves, want 300", r.Leaves)
		}
		wantOmitted(t, r, "that the filter left nothing out", "300 leaves end attempts whose beginning is not in this export")
	})
	t.Run("a filter that lets one pass", func(t *testing.T) {
		r := s.verify(s.export(Content{Filter: &Filter{ICCSNs: []string{order(150).ICCSN}, Kinds: []string{"card-issued"}}}, 0, 0), Options{})
		wantFindings(t, r)
		if r.Leaves != 1 {
			t.Errorf("%d leaves, want 1", r.Leaves)
		}
	})
	t.Run("nothing", func(t *testing.T) {
		wantFindings(t, s.verify(s.export(Content{Filter: &Filter{Sectors: []string{"kbv"}}}, 0, 0), Options{}))
	})
}

func TestPersonalData(t *testing.T) {
	s := good(t)
	for i, e := range s.entries {
		if e.Personal != nil {
			s.entries[i] = e.Erase()
			break
		}
	}
	r := s.verify(s.export(Content{Personal: true}, 0, 0, CSV), Options{})
	wantFindings(t, r)
	wantOmitted(t, r, "those of 1 leaves have been erased")
}

func TestUnknownKind(t *testing.T) {
	s := newStory(t)
	s.tell("moon-landed", map[string]string{"by": "nobody"}, nil)
	r := s.verify(s.export(Content{}, 0, 0), Options{})
	wantFindings(t, r)
	wantOmitted(t, r, `what entries of kind "moon-landed" say: 1 of them`)
}

// TestGoOn interrupts an export at each leaf and goes on with it; what was written after the state was saved is written anew.
func TestGoOn(t *testing.T) {
	s := long(t)
	for _, at := range []int64{0, 1, 255, 256, 300, 603} {
		dir := filepath.Join(t.TempDir(), "export")
		content := Content{Personal: true}
		w, err := Create(dir, content, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		s.begin(w, 0, 0)
		if at > 0 {
			s.add(w, content, 0, at)
		}
		if at%2 == 0 {
			if err := w.save(); err != nil {
				t.Fatal(err)
			}
			s.add(w, content, at, min(at+20, 604)) // not saved
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := Verify(t.Context(), dir, newSigner(t, 1).key, Options{}); err == nil || !strings.Contains(err.Error(), "not finished") {
			t.Errorf("an unfinished export: %v, want that it is not finished", err)
		}
		if _, err := Create(dir, Content{}, 0, 0); !errors.Is(err, ErrOther) {
			t.Errorf("go on with another content: %v, want %v", err, ErrOther)
		}
		if w, err = Create(dir, content, 0, 0); err != nil {
			t.Fatal(err)
		}
		size, next, resumes := w.Resumes()
		if !resumes || size != 604 || next > at {
			t.Errorf("goes on at leaf %d of %d, %v, want %d at most", next, size, resumes, at)
		}
		s.begin(w, 0, 0)
		s.add(w, content, next, 0)
		if _, err := w.Finish("test", day); err != nil {
			t.Fatal(err)
		}
		wantFindings(t, s.verify(dir, Options{Whole: true}))
		if _, err := Create(dir, content, 0, 0); !errors.Is(err, ErrDone) {
			t.Errorf("export into a finished one: %v, want %v", err, ErrDone)
		}
	}
}

func TestGoOnWithAnotherLog(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "export")
	w, err := Create(dir, Content{}, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	good(t).begin(w, 0, 0)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if w, err = Create(dir, Content{}, 0, 0); err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	other := newStory(t)
	head, _ := other.tree()
	if err := w.Begin(Head{Checkpoint: newSigner(t, 1).sign(t, head), Size: head.Size, End: head.Size}); !errors.Is(err, ErrOther) {
		t.Errorf("go on with another head: %v, want %v", err, ErrOther)
	}
}

func TestNames(t *testing.T) {
	w, err := Create(t.TempDir(), Content{}, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Begin(Head{Issuers: []Issuer{{Name: "../x", Data: []byte("x")}}}); err == nil {
		t.Error("an issuer's name leads out of the folder")
	}
	if _, err := Create(".", Content{}, 0, 0); !errors.Is(err, ErrOther) {
		t.Errorf("export into a folder with other files: %v, want %v", err, ErrOther)
	}
	os.Remove(IssuersDir)
	if _, err := parseManifest([]byte(`{"format":"siegel-log-export/1","files":[{"name":"../x"}]}`)); err == nil {
		t.Error("a manifest names a file outside of the folder")
	}
}

func TestCount(t *testing.T) {
	s := good(t)
	stats, err := Count(os.DirFS(s.export(Content{}, 0, 0)), tlog.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for _, c := range stats.Cards() {
		got[string(c.Kind)+" "+c.Sector] = c.Count
	}
	if got["card-issued dkg"] != 3 || got["card-activated dkg"] != 1 || got["order-recorded dkg"] != 4 {
		t.Errorf("counted %v", got)
	}
	for _, c := range stats.Certificates() {
		if c.Kind == tlog.CardActivated && (c.Count != 2 || c.Issuer != theIssuer) {
			t.Errorf("activated certificates are %+v, want the two of the card", c)
		}
	}
}
