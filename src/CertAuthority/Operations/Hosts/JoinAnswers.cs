using System.Security.Cryptography;
using CertAuthority.Access.Nodes;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>
/// What the daemon answers to hosts that ask to join, a file for each. The audit key signs it, and it names the request, so that whoever
/// can write where the host fetches can neither forge one nor bring back another.
/// </summary>
internal static class JoinAnswers
{
    /// <summary>The namespace of the signatures.</summary>
    public const string Purpose = "certauthority-join-answer";

    // A host that was off for longer asks again.
    private static readonly TimeSpan Kept = TimeSpan.FromDays(7);

    /// <summary>Returns the answers, by the name of the host.</summary>
    /// <exception cref="CryptographicException">The key made a signature that its public half does not verify.</exception>
    public static Dictionary<string, byte[]> All(Authority ca, DateTimeOffset now)
    {
        var texts = ca.Database.Read(snapshot => snapshot.Joins().Where(join => join.Asked > now - Kept)
            .ToDictionary(join => join.Name, join => Text(ca, snapshot, join, now)));
        return texts.ToDictionary(one => one.Key, one => ca.Checkpoints.Key.SignedFile(Purpose, one.Value));
    }

    /// <summary>Returns the answer to one host; null for none.</summary>
    /// <exception cref="CryptographicException">The key made a signature that its public half does not verify.</exception>
    public static byte[]? To(Authority ca, Snapshot snapshot, string name, DateTimeOffset now) =>
        snapshot.Join(name) is { } join ? ca.Checkpoints.Key.SignedFile(Purpose, Text(ca, snapshot, join, now)) : null;

    private static string Text(Authority ca, Snapshot snapshot, Join join, DateTimeOffset now)
    {
        // Without a certificate, the answer is not whole yet.
        var node = join.State == JoinState.Admitted && snapshot.Policy().Nodes.TryGetValue(join.Name, out var found)
            && found.Id == join.Node && snapshot.HostCertificate(found) is not null ? found : null;
        var text = $"certauthority-join-answer v1\nname {join.Name}\nrequest {join.Request}\n";
        if (node is null)
            return $"{text}state {(join.State == JoinState.Refused ? "refused" : "pending")}\n";
        var dropIn = HostFiles.For(node, ca.Push.ContentFor(snapshot, node, [], now))[^1].Content.Span;
        return $"{text}state admitted\ndrop-in {Convert.ToBase64String(dropIn)}\n";
    }
}
