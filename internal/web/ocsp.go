package web

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/pkix"
)

// Responder answers OCSP requests: a *ca.Responder.
type Responder interface {
	Respond(ctx context.Context, request []byte) *ca.StatusAnswer
}

// ocspPath is where the responder is found in any case. The addresses that certificates name come on top of it.
const ocspPath = "/ocsp"

const (
	ocspRequestType  = "application/ocsp-request"
	ocspResponseType = "application/ocsp-response"
)

// ocspAge lets no cache on the way give an answer that the responder would not give any more: a revocation holds from the moment it is
// acknowledged. RFC 5019, Section 6.2 would have caches keep an answer until its nextUpdate, which these answers do not have.
const ocspAge = "max-age=0, no-transform, must-revalidate"

// ocspHandler is OCSP over HTTP (RFC 6960, Appendix A): POST, and GET with the request in the path.
type ocspHandler struct {
	responder Responder
	limit     *limiter
}

// addOCSP adds the responder at its own path and at those of the given URLs.
func addOCSP(rs *routes, responder Responder, limit *limiter, urls []string) {
	h := &ocspHandler{responder, limit}
	paths := []string{ocspPath}
	for _, u := range urls {
		paths = append(paths, strings.TrimRight(pathOf(u), "/"))
	}
	slices.Sort(paths)
	for _, path := range slices.Backward(slices.Compact(paths)) { // what lies below another comes before it
		for _, exact := range []string{path, path + "/"} {
			if exact != "" {
				rs.addExact(exact, http.HandlerFunc(h.post), http.MethodPost)
			}
		}
		rs.add(path+"/", http.HandlerFunc(h.get), http.MethodGet)
	}
}

// pathOf gives the path of a URL as a request for it has it.
func pathOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ocspPath // an address of a certificate that no client can use
	}
	return u.Path
}

// post takes the request as a body. Of one that is too long, no more is read than shows it, and the connection ends.
func (h *ocspHandler) post(w http.ResponseWriter, r *http.Request) {
	if media, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); !strings.EqualFold(strings.TrimSpace(media), ocspRequestType) {
		fail(w, http.StatusUnsupportedMediaType)
		return
	}
	if !h.limit.allow(r) {
		h.busy(w)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, pkix.MaxOCSPRequestLen))
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		stopReading(w)
		writeOCSP(w, &ca.StatusAnswer{DER: pkix.OCSPMalformedRequest.Encode()})
	case err != nil: // the client broke off
		fail(w, http.StatusBadRequest)
	default:
		writeOCSP(w, h.responder.Respond(r.Context(), body))
	}
}

// stopReading keeps package http from reading the rest of a body to save the connection.
func stopReading(w http.ResponseWriter) {
	w.Header().Set("Connection", "close")
	_ = http.NewResponseController(w).SetReadDeadline(time.Unix(1, 0)) // without it, the rest is read and thrown away
}

// get takes the request from the path: base64, percent-encoded where the client did so (RFC 6960, Appendix A.1). The URL-safe digits and
// a missing end of padding are taken, too. A request begins with "M", so that leading slashes belong to the address.
func (h *ocspHandler) get(w http.ResponseWriter, r *http.Request) {
	if !h.limit.allow(r) {
		h.busy(w)
		return
	}
	text := strings.NewReplacer("-", "+", "_", "/", " ", "+").Replace(strings.TrimRight(strings.TrimLeft(r.URL.Path, "/"), "="))
	request, err := base64.RawStdEncoding.Strict().DecodeString(text)
	if err != nil {
		request = nil // malformed, as the responder will say
	}
	writeOCSP(w, h.responder.Respond(r.Context(), request))
}

// busy answers a client that asks too often. OCSP has a word for it, which its clients understand where many take HTTP's for a fault.
func (h *ocspHandler) busy(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "1")
	writeOCSP(w, &ca.StatusAnswer{DER: pkix.OCSPTryLater.Encode()})
}

func writeOCSP(w http.ResponseWriter, answer *ca.StatusAnswer) {
	header := w.Header()
	header.Set("Content-Type", ocspResponseType)
	header.Set("Content-Length", strconv.Itoa(len(answer.DER)))
	if answer.ProducedAt.IsZero() {
		header.Set("Cache-Control", "no-store")
	} else {
		header.Set("Cache-Control", ocspAge)
		header.Set("Last-Modified", answer.ProducedAt.Format(http.TimeFormat))
	}
	_, _ = w.Write(answer.DER) // an error says that the client is gone
}
