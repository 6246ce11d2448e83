package e2e

import (
	"context"
	"encoding/hex"
	"fmt"
	"math/rand/v2"

	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// people is one of two who decide together.
type people struct {
	authority siegelv1.AuthorityServiceClient
	approval  siegelv1.ApprovalServiceClient
}

// decide lets one person ask for an act that changes nothing before the next start (an issuer may be imported that nobody has), and another
// approve or reject it.
func (l *load) decide(random *rand.Rand) {
	octets := make([]byte, 48)
	for i := range octets {
		octets[i] = byte(random.Uint32())
	}
	ask := &siegelv1.ImportIssuerRequest{RequestId: hex.EncodeToString(octets[:16]), Issuer: fmt.Sprintf("SIEGEL.CHAOS-%x", octets[:8]),
		CertificateSha256: octets[16:], Reason: "chaos"}
	var request *siegelv1.ActRequest
	err := l.insist(random, func(ctx context.Context, server int) error {
		answer, err := l.servers[server].first.authority.ImportIssuer(ctx, ask)
		request = answer.GetRequest()
		return err
	})
	if err != nil {
		l.t.Errorf("ask for an act of two people: %v", err)
		return
	}
	decision, call := "used", l.approve(request)
	if random.IntN(2) == 0 {
		decision, call = "rejected", l.reject(request)
	}
	if err := l.insist(random, call); err != nil {
		l.t.Errorf("decide on request %s, which should be %s: %v", request.GetId(), decision, err)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.decisions[request.GetId()] = decision
	l.done["two people: "+decision]++
}

func (l *load) approve(request *siegelv1.ActRequest) func(context.Context, int) error {
	return func(ctx context.Context, server int) error {
		_, err := l.servers[server].second.approval.Approve(ctx, &siegelv1.ApproveRequest{Id: request.GetId(), ParametersSha256: request.GetParametersSha256()})
		return err
	}
}

func (l *load) reject(request *siegelv1.ActRequest) func(context.Context, int) error {
	return func(ctx context.Context, server int) error {
		_, err := l.servers[server].second.approval.Reject(ctx, &siegelv1.RejectRequest{Id: request.GetId(), ParametersSha256: request.GetParametersSha256(),
			Reason: "chaos"})
		return err
	}
}
