package example;

import com.google.protobuf.util.JsonFormat;
import com.google.rpc.BadRequest;
import io.grpc.Grpc;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.TlsChannelCredentials;
import io.grpc.protobuf.StatusProto;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import siegel.v1.Issuance.Certificate;
import siegel.v1.Issuance.IssueCardRequest;
import siegel.v1.Issuance.IssueCardResponse;
import siegel.v1.IssuanceServiceGrpc;
import siegel.v1.OrderOuterClass.Order;

/** Issues the card of one order: Issue SERVER TLS-FOLDER OPERATOR ORDER.json. Prints a line for each certificate. */
public final class Issue {
  public static void main(String[] args) throws Exception {
    if (args.length != 4) {
      System.err.println("usage: Issue SERVER TLS-FOLDER OPERATOR ORDER.json");
      System.exit(2);
    }
    File tls = new File(args[1]);
    var credentials = TlsChannelCredentials.newBuilder()
        .keyManager(new File(tls, args[2] + ".pem"), new File(tls, args[2] + ".key"))
        .trustManager(new File(tls, "ca.pem"))
        .build();
    Order.Builder order = Order.newBuilder();
    JsonFormat.parser().merge(Files.readString(Path.of(args[3])), order);
    ManagedChannel channel = Grpc.newChannelBuilder(args[0], credentials).build();
    int code = 0;
    try {
      // Sending the same order again is safe: the answer is the same card.
      IssueCardResponse answer = IssuanceServiceGrpc.newBlockingStub(channel)
          .withDeadlineAfter(30, TimeUnit.SECONDS)
          .withWaitForReady()
          .issueCard(IssueCardRequest.newBuilder().setOrder(order).build());
      for (Certificate c : answer.getCard().getCertificatesList()) {
        System.out.println(answer.getCard().getIccsn() + " " + c.getSlot() + " " + c.getFormat() + " " + c.getData().size());
      }
    } catch (StatusRuntimeException e) {
      explain(e);
      code = 1;
    } finally {
      channel.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
    }
    System.exit(code);
  }

  /** Says what is wrong with a refused order, rule by rule. */
  private static void explain(StatusRuntimeException e) throws Exception {
    System.err.println(e.getStatus().getCode() + ": " + e.getStatus().getDescription());
    var status = StatusProto.fromThrowable(e);
    if (status == null) {
      return;
    }
    for (var detail : status.getDetailsList()) {
      if (detail.is(BadRequest.class)) {
        for (var v : detail.unpack(BadRequest.class).getFieldViolationsList()) {
          System.err.println("  " + v.getField() + ": " + v.getDescription() + " [" + v.getReason() + "]");
        }
      }
    }
  }
}
