using System.Text.Json;
using CertAuthority.Protocol;

namespace CertAuthority.Tests;

/// <summary>Judges an entry that was really written by the table of events; the end-to-end tests compile this too.</summary>
internal static class AuditFields
{
    /// <summary>What the entry has that its row does not say, or lacks; null if nothing.</summary>
    public static string? Fault(byte[] json)
    {
        using var document = JsonDocument.Parse(json);
        var members = document.RootElement.EnumerateObject().Select(member => member.Name).ToHashSet(StringComparer.Ordinal);
        var name = document.RootElement.GetProperty("event").GetString()!;
        if (AuditEvents.Find(name) is not { } kind)
            return $"the table has no event {name}";
        string[] ofCaller = [AuditEvents.Uid, .. AuditEvents.OfCallers];
        if (AuditEvents.OfEveryEntry.Concat(kind.Always).Except(members).ToList() is [_, ..] missing)
            return $"{name} lacks {string.Join(", ", missing)}";
        if (members.Except([.. AuditEvents.OfEveryEntry, .. kind.Always, .. kind.Sometimes, .. ofCaller]).ToList() is [_, ..] more)
            return $"{name} has {string.Join(", ", more)}";
        var isOfCaller = members.Contains(AuditEvents.Uid);
        return (isOfCaller, kind.By) switch
        {
            (true, AuditActor.Daemon) => $"a caller caused {name}",
            (false, AuditActor.Caller) => $"no caller caused {name}",
            (false, _) when members.Overlaps(ofCaller) => $"{name} has half a caller",
            _ => null,
        };
    }
}
