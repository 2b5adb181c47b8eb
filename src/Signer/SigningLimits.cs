using System.Collections.Immutable;
using CertAuthority.Access.Values;
using CertAuthority.OpenSsh;

namespace CertAuthority.Signer;

/// <summary>What the signer signs at most, whatever the daemon asks for.</summary>
internal sealed record SigningLimits
{
    /// <summary>The permissions that OpenSSH defines and the daemon grants.</summary>
    public static readonly ImmutableArray<string> UsualExtensions =
        ["permit-X11-forwarding", "permit-agent-forwarding", "permit-port-forwarding", "permit-pty"];

    /// <summary>Whether the certificates are for users or for hosts.</summary>
    public required CertificateType Type { get; init; }

    /// <summary>The longest time from now to the end of a certificate.</summary>
    public required TimeSpan Lifetime { get; init; }

    /// <summary>The longest time from now to the beginning of a certificate, before or after.</summary>
    public TimeSpan Skew { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>The largest number of principals in a certificate.</summary>
    public int Principals { get; init; } = CertificateContent.MaxPrincipals;

    /// <summary>Each principal must match one of these.</summary>
    public ImmutableArray<NamePattern> OnlyPrincipals { get; init; } = [NamePattern.TryParse("*", out _)!];

    /// <summary>No principal may match any of these.</summary>
    public ImmutableArray<NamePattern> NeverPrincipals { get; init; } = [];

    /// <summary>The types of keys that may be certified.</summary>
    public ImmutableArray<string> KeyTypes { get; init; } = [.. PublicKey.Types];

    /// <summary>The critical options that a certificate may have.</summary>
    public ImmutableArray<string> CriticalOptions { get; init; } = [.. CriticalOption.All.Select(option => option.Name)];

    /// <summary>The extensions that a certificate may have.</summary>
    public ImmutableArray<string> Extensions { get; init; } = UsualExtensions;

    /// <summary>The largest number of signatures within a minute.</summary>
    public int PerMinute { get; init; } = 600;

    /// <summary>
    /// Decides whether bytes are a certificate within these limits. It does not count signatures.
    /// </summary>
    /// <param name="toBeSigned">What somebody wants signed: any bytes.</param>
    /// <param name="key">The public half of the key that would sign.</param>
    /// <param name="now">The signer's own time.</param>
    /// <param name="certificate">The certificate; null if the bytes are none.</param>
    /// <returns>Why it is not signed; null if it may be.</returns>
    public string? Refusal(ReadOnlySpan<byte> toBeSigned, SignatureKey key, DateTimeOffset now, out CertificateBody? certificate)
    {
        certificate = null;
        if (CertificateLint.Faults(toBeSigned, Type) is { Count: > 0 } faults)
            return $"it is no {Name(Type)} certificate that this CA grants: {string.Join("; ", faults)}";
        try
        {
            certificate = CertificateBody.Parse(toBeSigned);
        }
        catch (SshFormatException malformed)
        {
            return $"it is no certificate: {malformed.Message}";
        }
        return certificate.SignatureKey == key ? Refusal(certificate, now) : "it names another CA key";
    }

    private string? Refusal(CertificateBody certificate, DateTimeOffset now)
    {
        // The lint has seen that both times fit.
        var (begins, ends) = (Instant(certificate.ValidAfter), Instant(certificate.ValidBefore));
        if (begins is null || (begins - now).Value.Duration() > Skew)
            return $"it begins at {Show(certificate.ValidAfter)}, and its begin may be at most {Durations.Show(Skew)} from now";
        if (ends is null || ends - now > Lifetime)
            return $"it ends at {Show(certificate.ValidBefore)}, and may be valid for at most {Durations.Show(Lifetime)} from now";
        if (ends <= now)
            return $"it ended at {Show(certificate.ValidBefore)}";
        if (certificate.Principals.Count > Principals)
            return $"it has {certificate.Principals.Count} principals, and may have {Principals}";
        foreach (var principal in certificate.Principals)
        {
            if (NeverPrincipals.FirstOrDefault(pattern => pattern.Matches(principal)) is { } never)
                return $"it has the principal {principal}, and may never have {never}";
            if (!OnlyPrincipals.Any(pattern => pattern.Matches(principal)))
                return $"it has the principal {principal}, and may have only {string.Join(", ", OnlyPrincipals)}";
        }
        if (!KeyTypes.Contains(certificate.Key.Type))
            return $"it is for a key of the type {certificate.Key.Type}, and may be for {string.Join(", ", KeyTypes)}";
        if (certificate.CriticalOptions.FirstOrDefault(option => !CriticalOptions.Contains(option.Name)) is { } critical)
            return $"it has the critical option {critical.Name}, and may have {OrNone(CriticalOptions)}";
        if (certificate.Extensions.FirstOrDefault(option => !Extensions.Contains(option.Name)) is { } extension)
            return $"it has the extension {extension.Name}, and may have {OrNone(Extensions)}";
        return null;
    }

    /// <summary>Returns what certificates of a type are called.</summary>
    public static string Name(CertificateType type) => type == CertificateType.User ? "user" : "host";

    private static DateTimeOffset? Instant(ulong seconds) =>
        seconds <= (ulong)DateTimeOffset.MaxValue.ToUnixTimeSeconds() ? DateTimeOffset.FromUnixTimeSeconds((long)seconds) : null;

    private static string Show(ulong seconds) => Instant(seconds) is { } instant ? Instants.Show(instant) : $"second {seconds}";

    private static string OrNone(ImmutableArray<string> names) => names.IsEmpty ? "none" : string.Join(", ", names);
}
