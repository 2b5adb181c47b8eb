using System.Text.Json;
using CertAuthority.Configuration;
using CertAuthority.Linux;
using CertAuthority.Protocol;

namespace CertAuthority.Notices;

/// <summary>Delivers notices to a program: JSON on its standard input; exit code 0 means delivered.</summary>
internal static class NotifyCommand
{
    public static async Task<DeliveryResult> Run(NotifySettings notify, Attempt attempt, CancellationToken stopping)
    {
        var run = await ForeignProgram.Run(
            notify.Command, JsonSerializer.SerializeToUtf8Bytes(attempt.Told, ProtocolJson.Strict.Of<Notification>()), notify.Timeout,
            stopping);
        return new DeliveryResult(run.Fault, run.Said);
    }
}
