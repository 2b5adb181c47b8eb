using System.Text;
using CertAuthority.Linux;
using CertAuthority.OpenSsh;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>A certificate in tsh's home.</summary>
/// <param name="File">The path of its file.</param>
/// <param name="Info">The content of the certificate. Only the daemon knows which roles are in use, and whether it is revoked.</param>
/// <param name="Key">The key that it certifies.</param>
/// <param name="Line">The text of the file.</param>
/// <param name="SignedBy">The key that signed it, according to the certificate itself.</param>
/// <param name="Forwardings">The number of kinds of forwarding that it permits.</param>
internal sealed record HeldCertificate(string File, CertificateInfo Info, string Line, PublicKey Key, PublicKey SignedBy, int Forwardings)
{
    /// <summary>Reads a certificate file; null if there is none.</summary>
    /// <param name="file">The path of a file with one line.</param>
    /// <param name="name">
    /// The name that distinguishes the certificate from others of its login; null for the one that was requested.
    /// </param>
    /// <exception cref="SshFormatException">The file contains something else.</exception>
    public static HeldCertificate? Read(string file, string? name = null)
    {
        return AtomicFile.Read(file) is { } line ? Read(line.Trim(), file, name) : null;
    }

    /// <summary>Parses the line of a certificate.</summary>
    /// <param name="line">The content of the file.</param>
    /// <param name="file">The path of the file.</param>
    /// <param name="name">
    /// The name that distinguishes the certificate from others of its login; null for the one that was requested.
    /// </param>
    /// <exception cref="SshFormatException">The line is not a certificate.</exception>
    public static HeldCertificate Read(string line, string file, string? name = null)
    {
        var read = Certificate.ParseLine(line);
        var (user, requests) = read.KeyId.Split(':', 2) is [var id, var ids] ? (id, ids.Split(',')) : (read.KeyId, []);
        return new HeldCertificate(
            file,
            new CertificateInfo
            {
                Serial = read.Serial.ToString(),
                User = user,
                KeyId = read.KeyId,
                Roles = [],
                Requests = requests,
                Principals = [.. read.Principals],
                ValidAfter = Moment(read.ValidAfter),
                ValidBefore = Moment(read.ValidBefore),
                LimitedBy = "",
                Revoked = false,
                Name = name ?? (requests is [] ? "everyday" : "elevated"),
                CriticalOptions = read.CriticalOptions is [] ? null : read.CriticalOptions.ToDictionary(option => option.Name, Value),
            },
            line,
            read.Key,
            read.SignatureKey,
            read.Extensions.Count(
                extension => extension.Name is "permit-agent-forwarding" or "permit-port-forwarding" or "permit-X11-forwarding"));
    }

    // The value is a string inside the string; a flag has none.
    private static string Value(CertificateOption option) =>
        option.Data.Length <= sizeof(int) ? "" : Encoding.UTF8.GetString(option.Data.Span[sizeof(int)..]);

    // A certificate may be valid forever; a DateTimeOffset ends with the year 9999.
    private static DateTimeOffset Moment(ulong seconds) =>
        DateTimeOffset.FromUnixTimeSeconds((long)Math.Min(seconds, (ulong)DateTimeOffset.MaxValue.ToUnixTimeSeconds()));
}

/// <summary>
/// The certificates in tsh's home that are for its key. Every command that needs to know whether the user is logged in, as which user, and
/// which certificate opens a login uses this class.
/// </summary>
/// <param name="Certificates">
/// The certificates; what the last login requested comes first. Certificates for single nodes are not included;
/// <see cref="NodeCertificate"/> keeps them.
/// </param>
/// <param name="Faults">One sentence for each file that contains something else.</param>
/// <param name="Session">The login that they belong to, as far as it is recorded.</param>
internal sealed record Held(IReadOnlyList<HeldCertificate> Certificates, IReadOnlyList<string> Faults, LoginSession? Session)
{
    /// <summary>Reads the home. It does not check signatures: <see cref="Verified"/> does.</summary>
    public static Held In(Home home)
    {
        var (certificates, faults) = (new List<HeldCertificate>(), new List<string>());
        var key = home.PublicKeyAtHand();
        foreach (var (file, name) in home.CertificateFiles())
        {
            try
            {
                if (HeldCertificate.Read(file, name) is not { } one)
                    continue;
                if (key is not null && one.Key != key)
                    faults.Add($"{file} certifies another key than {home.PublicKey}");
                else
                    certificates.Add(one);
            }
            catch (SshFormatException malformed)
            {
                faults.Add($"{file} is not a certificate: {malformed.Message}");
            }
        }
        return new Held(certificates, faults, home.Memory.Session);
    }

    /// <summary>Leaves out certificates whose signature does not match their content, which ssh itself ignores silently.</summary>
    public async Task<Held> Verified(CancellationToken cancellation)
    {
        var (fit, faults) = (new List<HeldCertificate>(), Faults.ToList());
        foreach (var one in Certificates)
            if (await Keygen.Reads(one.File, cancellation))
                fit.Add(one);
            else
                faults.Add($"{one.File} has been damaged: its signature does not fit what it says");
        return this with { Certificates = fit, Faults = faults };
    }

    /// <summary>Returns the serials of all certificates in a home, including expired ones and those for single nodes.</summary>
    public static string[] Serials(Home home)
    {
        return [.. home.CertificateFiles().Select(one => one.File).Concat(home.NodeCertificateFiles()).Select(Serial).OfType<string>()];

        static string? Serial(string file)
        {
            try
            {
                return HeldCertificate.Read(file)?.Info.Serial;
            }
            catch (SshFormatException)
            {
                return null;
            }
        }
    }

    /// <summary>The user of the certificates, even if they have expired; null if nobody is logged in.</summary>
    public string? User => (Certificates is [var first, ..] ? first.Info.User : null) ?? Session?.User;

    /// <summary>Returns the valid certificates.</summary>
    public IEnumerable<HeldCertificate> At(DateTimeOffset now) => Certificates.Where(one => now < one.Info.ValidBefore);

    /// <summary>Returns the requests that valid certificates use.</summary>
    public string[] Requests(DateTimeOffset now) => [.. At(now).SelectMany(one => one.Info.Requests).Distinct()];

    /// <summary>Returns the first valid certificate. ssh never reports that one is missing or has expired, so this does.</summary>
    /// <exception cref="FailureException">There is no valid certificate.</exception>
    public HeldCertificate Usable(DateTimeOffset now) =>
        At(now).FirstOrDefault()
        ?? throw (Certificates.Count > 0
            ? new FailureException(
                $"your certificate expired at {Wording.Time(Certificates.Max(one => one.Info.ValidBefore))}", "tsh login")
            : Faults.Count > 0 ? new FailureException(Faults[0], "tsh login")
            : new FailureException("not logged in", "tsh login"));

    /// <summary>
    /// Returns the certificate to use for a login on a node; null if no valid one opens it. A certificate without conditions comes first,
    /// then one that permits more forwarding, then the everyday one: certificates of a request are used only when they are needed.
    /// </summary>
    /// <param name="login">The login.</param>
    /// <param name="node">The name of the node.</param>
    /// <param name="now">The current time.</param>
    /// <param name="groups">The tokens of groups that the host of the node accepts, as the daemon lists them; null for none.</param>
    public HeldCertificate? For(string login, string node, DateTimeOffset now, string[]? groups = null) =>
        Best(At(now), login, node, groups);

    /// <summary>Makes the same choice among other certificates.</summary>
    public static HeldCertificate? Best(
        IEnumerable<HeldCertificate> certificates, string login, string node, string[]? groups = null) => certificates
        .Where(one => one.Info.Opens(login, node, groups))
        .OrderBy(one => one.Info.HasConditions ? 1 : 0)
        .ThenByDescending(one => one.Forwardings)
        .ThenBy(one => one.Info.Requests.Length)
        .ThenByDescending(one => one.Info.ValidBefore)
        .FirstOrDefault();
}
