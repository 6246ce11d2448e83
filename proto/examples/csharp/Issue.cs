// Issues the card of one order: dotnet run -- SERVER TLS-FOLDER OPERATOR ORDER.json. Prints a line for each certificate.
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Google.Protobuf;
using Google.Rpc;
using Grpc.Core;
using Grpc.Net.Client;
using Siegel.V1;

if (args.Length != 4)
{
    Console.Error.WriteLine("usage: SERVER TLS-FOLDER OPERATOR ORDER.json");
    return 2;
}
var (server, tls, name) = (args[0], args[1], args[2]);
var own = X509Certificate2.CreateFromPemFile(Path.Combine(tls, name + ".pem"), Path.Combine(tls, name + ".key"));
var roots = new X509Certificate2Collection();
roots.ImportFromPemFile(Path.Combine(tls, "ca.pem"));

var handler = new SocketsHttpHandler
{
    SslOptions = new SslClientAuthenticationOptions
    {
        ClientCertificates = new X509CertificateCollection { own },
        CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck },
    },
};
handler.SslOptions.CertificateChainPolicy.CustomTrustStore.AddRange(roots);

var order = JsonParser.Default.Parse<Order>(File.ReadAllText(args[3]));
using var channel = GrpcChannel.ForAddress("https://" + server, new GrpcChannelOptions { HttpHandler = handler });
try
{
    // Sending the same order again is safe: the answer is the same card.
    var answer = await new IssuanceService.IssuanceServiceClient(channel)
        .IssueCardAsync(new IssueCardRequest { Order = order }, deadline: DateTime.UtcNow.AddSeconds(30));
    foreach (var c in answer.Card.Certificates)
    {
        Console.WriteLine($"{answer.Card.Iccsn} {c.Slot} {c.Format} {c.Data.Length}");
    }
    return 0;
}
catch (RpcException e)
{
    Console.Error.WriteLine($"{e.StatusCode}: {e.Status.Detail}");
    foreach (var v in e.GetRpcStatus()?.GetDetail<BadRequest>()?.FieldViolations ?? [])
    {
        Console.Error.WriteLine($"  {v.Field}: {v.Description} [{v.Reason}]");
    }
    return 1;
}
