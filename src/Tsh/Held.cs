using System.Text;
using CertAuthority.Linux;
using CertAuthority.OpenSsh;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>A certificate in tsh's home.</summary>
/// <param name="File">Where it lies.</param>
/// <param name="Info">What it says of itself. Which roles are in use, and whether it is revoked, only the daemon knows.</param>
/// <param name="Key">The key that it certifies.</param>
/// <param name="Line">The text of the file.</param>
/// <param name="SignedBy">The key that signed it, by its own account.</param>
/// <param name="Forwardings">How many kinds of forwarding it permits.</param>
internal sealed record HeldCertificate(string File, CertificateInfo Info, string Line, PublicKey Key, PublicKey SignedBy, int Forwardings)
{
    /// <summary>Reads a file; null where there is none.</summary>
    /// <param name="file">Holds one line.</param>
    /// <param name="name">What tells the certificate from others of its login; null for the one that was asked for.</param>
    /// <exception cref="SshFormatException">The file holds something else.</exception>
    public static HeldCertificate? Read(string file, string? name = null)
    {
        return AtomicFile.Read(file) is { } line ? Read(line.Trim(), file, name) : null;
    }

    /// <summary>Reads a line.</summary>
    /// <param name="line">What the file holds.</param>
    /// <param name="file">Where it lies.</param>
    /// <param name="name">What tells the certificate from others of its login; null for the one that was asked for.</param>
    /// <exception cref="SshFormatException">It is something else.</exception>
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

    // A value is a string in the string; a flag has none.
    private static string Value(CertificateOption option) =>
        option.Data.Length <= sizeof(int) ? "" : Encoding.UTF8.GetString(option.Data.Span[sizeof(int)..]);

    // A certificate may say "for ever"; a DateTimeOffset ends with the year 9999.
    private static DateTimeOffset Moment(ulong seconds) =>
        DateTimeOffset.FromUnixTimeSeconds((long)Math.Min(seconds, (ulong)DateTimeOffset.MaxValue.ToUnixTimeSeconds()));
}

/// <summary>
/// What somebody holds: the certificates in tsh's home that are for its key. Every command that asks "am I logged in", "as whom" and
/// "which certificate opens this" asks here.
/// </summary>
/// <param name="Certificates">
/// What the last login asked for comes first. Without those for single nodes, which <see cref="NodeCertificate"/> keeps.
/// </param>
/// <param name="Faults">A sentence for each file that holds something else.</param>
/// <param name="Session">The login that they belong to, as far as it is remembered.</param>
internal sealed record Held(IReadOnlyList<HeldCertificate> Certificates, IReadOnlyList<string> Faults, LoginSession? Session)
{
    /// <summary>Reads the home. Signatures are not looked at: <see cref="Verified"/> does that.</summary>
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

    /// <summary>
    /// The same without certificates whose signature does not fit what they say, as ssh itself leaves them out, without a word.
    /// </summary>
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

    /// <summary>The serials of all certificates in a home: expired ones, and those for single nodes, too.</summary>
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

    /// <summary>Whose they are, also when they have expired; null where nobody is logged in.</summary>
    public string? User => (Certificates is [var first, ..] ? first.Info.User : null) ?? Session?.User;

    /// <summary>Those that are valid.</summary>
    public IEnumerable<HeldCertificate> At(DateTimeOffset now) => Certificates.Where(one => now < one.Info.ValidBefore);

    /// <summary>The requests that valid ones draw on.</summary>
    public string[] Requests(DateTimeOffset now) => [.. At(now).SelectMany(one => one.Info.Requests).Distinct()];

    /// <summary>The first that is valid. ssh never says that one is missing or has expired, so this does.</summary>
    /// <exception cref="FailureException">There is none.</exception>
    public HeldCertificate Usable(DateTimeOffset now) =>
        At(now).FirstOrDefault()
        ?? throw (Certificates.Count > 0
            ? new FailureException(
                $"your certificate expired at {Wording.Time(Certificates.Max(one => one.Info.ValidBefore))}", "tsh login")
            : Faults.Count > 0 ? new FailureException(Faults[0], "tsh login")
            : new FailureException("not logged in", "tsh login"));

    /// <summary>
    /// The one to use for a login on a node; null where no valid one opens it. One that carries no conditions comes first, then one that
    /// permits more forwarding, then the everyday one: what a request gave is used where it is needed.
    /// </summary>
    public HeldCertificate? For(string login, string node, DateTimeOffset now) => Best(At(now), login, node);

    /// <summary>The same choice among others.</summary>
    public static HeldCertificate? Best(IEnumerable<HeldCertificate> certificates, string login, string node) => certificates
        .Where(one => one.Info.Opens(login, node))
        .OrderBy(one => one.Info.HasConditions ? 1 : 0)
        .ThenByDescending(one => one.Forwardings)
        .ThenBy(one => one.Info.Requests.Length)
        .ThenByDescending(one => one.Info.ValidBefore)
        .FirstOrDefault();
}
