package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/siegel-pki/siegel/internal/audit"
	"github.com/siegel-pki/siegel/internal/build"
	"github.com/siegel-pki/siegel/internal/tlog"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// auditExportCmd is `siegel audit export`.
type auditExportCmd struct {
	Out          string `arg:"" type:"path" help:"Folder to write; made where it is not there."`
	First        int64  `default:"0" placeholder:"LEAF" help:"First leaf."`
	End          int64  `default:"0" placeholder:"LEAF" help:"Leaf behind the last; 0 for the end of the log."`
	filterFlags  `group:"Filter:"`
	Personal     bool `help:"With personal data in clear, as far as they are not erased. Whoever has the export has them."`
	Certificates bool `default:"true" negatable:"" help:"With the certificates of cards. They hold the names that certificates hold."`
	CSV          bool `name:"csv" help:"Also as a table of certificates, certificates.csv."`
	Parquet      bool `help:"Also as a table of certificates, certificates.parquet."`
}

// Help explains the command.
func (c *auditExportCmd) Help() string {
	return "The folder holds the leaves as JSON Lines, the tiles that lead from each of them to the checkpoint, the certificates, and a manifest that is written last. " +
		"docs/audit.md describes it. Verify it with: siegel audit verify DIR --log-key FILE"
}

// Run exports.
func (c *auditExportCmd) Run(ctx context.Context, g *globals, t *terminal) error {
	filter, err := c.filter()
	if err != nil {
		return err
	}
	if c.First < 0 || c.End < 0 || c.End != 0 && c.End <= c.First {
		return usageError(fmt.Errorf("--first %d --end %d is no range of leaves", c.First, c.End))
	}
	w, err := audit.Create(c.Out, audit.Content{Filter: filter, Personal: c.Personal, Certificates: c.Certificates}, c.First, c.End)
	if err != nil {
		return usageError(err)
	}
	defer w.Close()
	cl, err := connectAuditor(g, t)
	if err != nil {
		return err
	}
	defer cl.Close()
	if err := c.fetch(ctx, cl, w, t); err != nil {
		return err
	}
	m, err := w.Finish("siegel "+build.Version(), time.Now(), c.tables()...)
	if err != nil {
		return usageError(err)
	}
	if g.JSON {
		return t.jsonOf(m)
	}
	fmt.Fprintf(t.out, "%s %d leaves of the log %s, %d to %d of %d\n", t.bold("exported"), m.Leaves, m.Log, m.First, m.End-1, m.Size)
	fmt.Fprintf(t.out, "verify with: siegel audit verify %s --log-key FILE\n", c.Out)
	return nil
}

func (c *auditExportCmd) tables() (list []audit.Table) {
	if c.CSV {
		list = append(list, audit.CSV)
	}
	if c.Parquet {
		list = append(list, parquetTable)
	}
	return list
}

// exportIdle is how long a stream may be silent before it counts as cut.
const exportIdle = 2 * time.Minute

// fetch reads stream after stream until all leaves are there. A stream that is cut goes on where it was; the time for which a server that is away is
// tried begins anew with each one that brought something.
func (c *auditExportCmd) fetch(ctx context.Context, cl *client, w *audit.Writer, t *terminal) error {
	m := newMeter(t, "leaves")
	defer m.end()
	began, pause := time.Now(), firstPause
	for {
		_, before, _ := w.Resumes()
		err := c.stream(ctx, cl, w, m)
		var own *exitError
		if err == nil || errors.As(err, &own) {
			return err
		}
		st := status.Convert(err)
		if st.Code() == codes.Canceled && ctx.Err() == nil {
			st = status.New(codes.Unavailable, "the stream was cut")
		}
		if _, after, _ := w.Resumes(); after > before {
			began, pause = time.Now(), firstPause
		}
		if pause == firstPause {
			st = cl.firstFailure(ctx, st)
		}
		if !isAway(st) || time.Since(began) > cl.timeout || !sleep(ctx, max(jitter(pause), askedFor(st))) {
			return &callError{doing: "export the log", status: st}
		}
		pause = min(2*pause, lastPause)
	}
}

// stream reads one stream to its end.
func (c *auditExportCmd) stream(ctx context.Context, cl *client, w *audit.Writer, m *meter) error {
	filter, err := c.filter()
	if err != nil {
		return err
	}
	size, next, _ := w.Resumes()
	request := &siegelv1.ExportEntriesRequest{TreeSize: size, First: next, End: c.End, Personal: c.Personal, Certificates: c.Certificates}
	if request.Filter, err = filterToWire(filter); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := cl.ExportEntries(ctx, request)
	if err != nil {
		return err
	}
	idle := time.AfterFunc(exportIdle, cancel)
	defer idle.Stop()
	var end int64
	for {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		idle.Reset(exportIdle)
		if h := part.GetHead(); h != nil {
			if err := w.Begin(headOfWire(h, c.First)); err != nil {
				return usageError(err)
			}
			end = h.GetEnd()
		}
		if err := w.Add(partOfWire(part)); err != nil {
			return usageError(err)
		}
		m.show(part.GetNext()-c.First, end-c.First)
	}
}

func headOfWire(h *siegelv1.ExportHead, first int64) audit.Head {
	head := audit.Head{Checkpoint: []byte(h.GetCheckpoint()), Size: h.GetTreeSize(), First: first, End: h.GetEnd(), Edge: tilesOfWire(h.GetEdge())}
	for _, i := range h.GetIssuers() {
		head.Issuers = append(head.Issuers, audit.Issuer{Name: i.GetName(), IsCVC: i.GetFormat() == siegelv1.Format_FORMAT_CVC, Data: i.GetData()})
	}
	return head
}

func partOfWire(w *siegelv1.ExportEntriesResponse) audit.Part {
	p := audit.Part{Tiles: tilesOfWire(w.GetTiles()), Next: w.GetNext()}
	for _, l := range w.GetLeaves() {
		p.Leaves = append(p.Leaves, audit.Leaf{Index: l.GetIndex(), Leaf: l.GetLeaf(), Personal: l.GetPersonal(), Salt: l.GetSalt(), Erased: l.GetErased(),
			Certificates: l.GetCertificates()})
	}
	return p
}

func tilesOfWire(w []*siegelv1.LogTile) (list []tlog.Tile) {
	for _, t := range w {
		list = append(list, tlog.Tile{TileID: tlog.TileID{Level: int(t.GetLevel()), Index: t.GetIndex(), Width: len(t.GetHashes()) / tlog.HashSize}, Hashes: t.GetHashes()})
	}
	return list
}

func stampOrNil(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// auditCheckpointCmd is `siegel audit checkpoint`.
type auditCheckpointCmd struct {
	Size int64  `default:"0" help:"Number of leaves of the head; 0 for the newest."`
	Out  string `type:"path" placeholder:"FILE" help:"File to write."`
}

// Run fetches a checkpoint.
func (c *auditCheckpointCmd) Run(ctx context.Context, g *globals, t *terminal) error {
	cl, err := connectAuditor(g, t)
	if err != nil {
		return err
	}
	defer cl.Close()
	answer, err := call(ctx, cl.caller, "fetch the checkpoint", func(ctx context.Context) (*siegelv1.GetCheckpointResponse, error) {
		return cl.GetCheckpoint(ctx, &siegelv1.GetCheckpointRequest{TreeSize: c.Size})
	})
	if err != nil {
		return err
	}
	if c.Out != "" {
		if err := writeOnce(c.Out, []byte(answer.GetCheckpoint())); err != nil {
			return usageError(err)
		}
	}
	if g.JSON {
		return t.json(answer)
	}
	fmt.Fprint(t.out, answer.GetCheckpoint())
	return nil
}
