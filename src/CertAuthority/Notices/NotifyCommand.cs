using System.Text.Json;
using CertAuthority.Configuration;
using CertAuthority.Linux;
using CertAuthority.Protocol;

namespace CertAuthority.Notices;

/// <summary>Telling a program: JSON on its standard input, and 0 when it was told.</summary>
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
