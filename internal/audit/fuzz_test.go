package audit

import (
	"bytes"
	"testing"
)

// FuzzLines reads lines of every file of an export as outsiders may write them. What an entry's line says must be written again in the same octets.
func FuzzLines(f *testing.F) {
	f.Add([]byte(`{"index":12,"leaf":{"kind":"x"}}`))
	f.Add([]byte(`{"index":12,"salt":"AAAA","personal":{"a":1}}`))
	f.Add([]byte(`{"index":12,"erased":true}`))
	f.Add([]byte(`{"index":12,"certificates":["AA=="]}`))
	f.Add([]byte(`{"level":0,"index":3,"hashes":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}`))
	f.Add([]byte(`{"format":"siegel-log-export/1","files":[]}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		if index, leaf, err := parseEntry(line); err == nil {
			if again := appendEntry(nil, index, leaf); !bytes.Equal(again, append(bytes.Clone(line), '\n')) {
				t.Errorf("%q is read as leaf %d %q, and written %q", line, index, leaf, again)
			}
		}
		if tile, err := readTile(line); err == nil && tile.Width*32 != len(tile.Hashes) {
			t.Errorf("tile of %d hashes has %d octets", tile.Width, len(tile.Hashes))
		}
		var p personalLine
		if parseLine(line, &p) == nil {
			again, err := appendPersonal(nil, personalLine{Index: p.Index, Salt: p.Salt, Personal: p.data(), Erased: p.Erased})
			var q personalLine
			if err == nil && !p.Erased && p.data() != nil {
				if err = parseLine(bytes.TrimSuffix(again, []byte("\n")), &q); err != nil || !bytes.Equal(q.data(), p.data()) {
					t.Errorf("personal data %q come back as %q, %v", p.data(), q.data(), err)
				}
			}
		}
		parseManifest(line) //nolint:errcheck // it must not panic
	})
}
