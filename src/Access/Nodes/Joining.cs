using System.Collections.Immutable;
using System.Globalization;
using System.Text.RegularExpressions;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Nodes;

/// <summary>What lets hosts join by themselves.</summary>
/// <param name="Id">Its public name, 16 hexadecimal digits.</param>
/// <param name="Name">The name that a host may take, or a glob of names, in which <c>*</c> matches no dot.</param>
/// <param name="Secret">The SHA-256 of the secret, in hexadecimal digits; null if the host key takes its place.</param>
/// <param name="HostKey">The fingerprint of the host key; null if the secret takes its place.</param>
/// <param name="Uses">How many hosts may still join by it.</param>
/// <param name="Ends">The first instant at which it lets no host join.</param>
/// <param name="Labels">The labels of the nodes.</param>
/// <param name="Addresses">Globs of addresses that may be admitted without an administrator, besides the name itself.</param>
/// <param name="Admits">Whether no administrator has to admit the hosts.</param>
public sealed record JoinToken(
    string Id, string Name, string? Secret, string? HostKey, int Uses, DateTimeOffset Ends,
    ImmutableSortedDictionary<string, string> Labels, ImmutableArray<string> Addresses, bool Admits);

/// <summary>The states of a join.</summary>
public enum JoinState
{
    /// <summary>An administrator has to admit the host.</summary>
    Pending,

    /// <summary>The host has a node.</summary>
    Admitted,

    /// <summary>An administrator refused it.</summary>
    Refused,
}

/// <summary>The last host that asked to join under a name.</summary>
/// <param name="Name">The name.</param>
/// <param name="Key">Its host key, one line without a comment.</param>
/// <param name="Address">The address that it said.</param>
/// <param name="Labels">The labels, from the token.</param>
/// <param name="Token">The ID of the token.</param>
/// <param name="Asked">The time of its last request, by its own clock.</param>
/// <param name="Request">The SHA-256 of that request, which the answer repeats.</param>
/// <param name="State">What became of it.</param>
/// <param name="Note">Why it was refused, or why an administrator has to look; null for nothing in particular.</param>
/// <param name="Decided">When that was decided; null while it is pending.</param>
/// <param name="Node">The ID of its node; null for none.</param>
public sealed record Join(
    string Name, string Key, string Address, ImmutableSortedDictionary<string, string> Labels, string Token, DateTimeOffset Asked,
    string Request, JoinState State, string? Note = null, DateTimeOffset? Decided = null, Guid? Node = null);

/// <summary>What a host that asks to join says. It signs that with its host key. docs/fleets.md describes it line by line.</summary>
/// <param name="Name">The name that it wants.</param>
/// <param name="Address">Where its sshd listens.</param>
/// <param name="Time">When it asked, by its clock.</param>
/// <param name="Token">The ID of the token.</param>
/// <param name="Key">Its host key, one line without a comment.</param>
/// <param name="Proof">The proof that it has the secret; null for none.</param>
/// <param name="Proven">What the proof is about: the SHA-256 of the lines above it.</param>
/// <param name="Hash">The SHA-256 of the whole text.</param>
public sealed partial record JoinRequest(
    string Name, string Address, DateTimeOffset Time, string Token, string Key, string? Proof, string Proven, string Hash)
{
    /// <summary>The namespace of the signature.</summary>
    public const string Purpose = "certauthority-join";

    /// <summary>The beginning of the names of the files. No node has such a name, so they are not taken for reports.</summary>
    public const string Prefix = "join_";

    /// <summary>Reads the text that is signed.</summary>
    /// <param name="text">The text.</param>
    /// <param name="hash">Returns the SHA-256 of a text, in lower-case hexadecimal digits.</param>
    /// <returns>Null if it is malformed, or of a version that this daemon does not know.</returns>
    public static JoinRequest? Parse(string text, Func<string, string> hash) =>
        Form().Match(text) is { Success: true } read
        && NodeAddress.Parse(read.Groups["address"].Value).Holds(out var address, out _)
        && DateTimeOffset.TryParse(
            read.Groups["time"].ValueSpan, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal,
            out var time)
            ? new JoinRequest(
                read.Groups["name"].Value, address.ToString(), time, read.Groups["token"].Value, read.Groups["key"].Value,
                read.Groups["proof"].Value is "none" ? null : read.Groups["proof"].Value,
                hash(text[..text.LastIndexOf("proof ", StringComparison.Ordinal)]), hash(text))
            : null;

    [GeneratedRegex(
        """
        \Acertauthority-join\ v1\n
        name\ (?<name>[a-z0-9][a-z0-9.-]{0,62})\n
        address\ (?<address>[!-~]{1,300})\n
        time\ (?<time>[0-9TZ:-]{20})\n
        token\ (?<token>[0-9a-f]{16})\n
        key\ (?<key>[a-z0-9-]{1,40}\ [A-Za-z0-9+/]{16,2000}={0,2})\n
        proof\ (?<proof>none|[0-9a-f]{64})\n\z
        """,
        RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant | RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex Form();
}

/// <summary>What becomes of a request to join.</summary>
/// <param name="Join">The join as it is then; null if the request counts for nothing.</param>
/// <param name="IsNew">Whether it uses the token.</param>
/// <param name="Fault">Why it counts for nothing; null if it is nothing new.</param>
public sealed record JoinOutcome(Join? Join, bool IsNew = false, string? Fault = null);

/// <summary>Decides about hosts that ask to join. The signature of the request was verified.</summary>
public static class Joining
{
    /// <summary>How much later than the daemon's clock a host may date its request.</summary>
    public static readonly TimeSpan Skew = TimeSpan.FromMinutes(5);

    /// <summary>Decides about a request.</summary>
    /// <param name="request">The request.</param>
    /// <param name="fingerprint">The fingerprint of the host key that signed it.</param>
    /// <param name="token">The token that it names; null if there is none.</param>
    /// <param name="isProven">Whether it proves that the host has the secret of the token.</param>
    /// <param name="before">The last join under this name; null for none.</param>
    /// <param name="nodes">Every node, by name.</param>
    /// <param name="certified">The host key on record for the node of this name; null for none.</param>
    /// <param name="now">The current time.</param>
    public static JoinOutcome Decide(
        JoinRequest request, string fingerprint, JoinToken? token, bool isProven, Join? before, IReadOnlyDictionary<string, Node> nodes,
        string? certified, DateTimeOffset now)
    {
        if (request.Time > now + Skew)
            return new JoinOutcome(null, Fault: "it is from the future");
        // Whoever reads the directory can leave an old request again.
        if (request.Time <= before?.Asked)
            return new JoinOutcome(null, Fault: request.Hash == before.Request ? null : "it is not later than the last one");
        var isSame = before?.Key == request.Key;
        if (nodes.TryGetValue(request.Name, out var node))
            return certified == request.Key || (isSame && before!.Node == node.Id)
                ? new JoinOutcome(new Join(
                    request.Name, request.Key, node.Address, node.Labels, request.Token, request.Time, request.Hash, JoinState.Admitted,
                    Decided: before?.Decided ?? now, Node: node.Id))
                : new JoinOutcome(null, Fault: "there is a node of this name with another host key, or with none on record");
        if (before?.State == JoinState.Pending)
            return isSame
                ? new JoinOutcome(before with { Asked = request.Time, Request = request.Hash })
                : new JoinOutcome(null, Fault: "another host key asks for this name already, and waits for an administrator");
        // A refusal holds for the token by which the host asked.
        if (before?.State == JoinState.Refused && isSame && request.Token == before.Token)
            return new JoinOutcome(before with { Asked = request.Time, Request = request.Hash });
        if (TokenFault(request, fingerprint, token, isProven, now) is { } fault)
            return new JoinOutcome(null, Fault: fault);
        var doubt = Doubt(request, token!, nodes.Values) ?? (token!.Admits ? null : "the token does not admit by itself");
        return new JoinOutcome(
            new Join(
                request.Name, request.Key, request.Address, token!.Labels, token.Id, request.Time, request.Hash,
                doubt is null ? JoinState.Admitted : JoinState.Pending, doubt, doubt is null ? now : null),
            IsNew: true);
    }

    private static string? TokenFault(
        JoinRequest request, string fingerprint, JoinToken? token, bool isProven, DateTimeOffset now) =>
        token is null || now >= token.Ends ? "its token does not exist or has ended"
        : !(token.HostKey is { } known ? known == fingerprint : isProven) ? "it does not prove that it has the token"
        : !IsName(token.Name, request.Name) ? $"its token is for {token.Name}"
        : token.Uses <= 0 ? "its token is used up"
        : null;

    // The address becomes a principal of the host certificate: whoever could choose it freely could pass for another host.
    private static string? Doubt(JoinRequest request, JoinToken token, IEnumerable<Node> nodes)
    {
        var host = Host(request.Address);
        return nodes.Any(node => node.Name == host || Host(node.Address) == host || Host(node.Address) == request.Name)
            ? "another node has this name or address"
            : host != request.Name && !token.Addresses.Any(glob => IsGlob(glob, host)) ? "the token does not name this address"
            : null;
    }

    private static string Host(string address) => NodeAddress.Parse(address).Holds(out var parts, out _) ? parts.Host : address;

    // Part by part, so that web* is not webmail.bank.example.com: the name becomes a principal of the host certificate.
    private static bool IsName(string glob, string name) =>
        glob.Split('.') is var globs && name.Split('.') is var parts && globs.Length == parts.Length
        && globs.Zip(parts).All(pair => IsGlob(pair.First, pair.Second));

    private static bool IsGlob(string glob, string text) => NamePattern.TryParse(glob, out _) is { } pattern && pattern.Matches(text);
}
