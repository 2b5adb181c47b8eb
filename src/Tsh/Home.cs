using System.Text;
using CertAuthority.OpenSsh;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>The folder where tsh keeps a key, its certificate and the hosts it has seen.</summary>
internal sealed class Home(string folder)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public string Folder { get; } = folder;

    /// <summary>The private key.</summary>
    public string Key => Path.Combine(Folder, "id");

    public string PublicKey => Path.Combine(Folder, "id.pub");

    public string Certificate => Path.Combine(Folder, "id-cert.pub");

    public string KnownHosts => Path.Combine(Folder, "known_hosts");

    /// <summary>TSH_HOME, else <c>~/.certauthority</c>.</summary>
    public static Home OfCaller() => new(
        Environment.GetEnvironmentVariable("TSH_HOME") is { Length: > 0 } chosen
            ? Path.GetFullPath(chosen)
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".certauthority"));

    /// <summary>The line of the public key. Key and folder are made where they are missing; a new key gets the comment.</summary>
    public async Task<string> EnsureKey(string comment, CancellationToken cancellation)
    {
        Directory.CreateDirectory(Folder, OwnerOnly | UnixFileMode.UserExecute);
        using var alone = HomeLock.Take(Folder);
        if (!File.Exists(Key))
            await MakeKey(comment, cancellation);
        if (File.Exists(PublicKey))
            return (await File.ReadAllTextAsync(PublicKey, cancellation)).Trim();
        var derived = await Keygen.PublicKeyOf(Key, cancellation);
        AtomicFile.Write(PublicKey, Encoding.UTF8.GetBytes(derived), OwnerOnly);
        return derived.Trim();
    }

    /// <summary>Puts a certificate in its place.</summary>
    /// <param name="line">The certificate.</param>
    /// <param name="key">The line of the key that it certifies, as <see cref="EnsureKey"/> gave it.</param>
    /// <exception cref="FailureException">Another key is there by now.</exception>
    public void SaveCertificate(string line, string key)
    {
        using var alone = HomeLock.Take(Folder);
        if (!File.Exists(PublicKey) || File.ReadAllText(PublicKey).Trim() != key)
            throw new FailureException($"the key in {Folder} was removed or replaced while its certificate was made", "tsh login");
        AtomicFile.Write(Certificate, Encoding.UTF8.GetBytes(line + "\n"), OwnerOnly);
    }

    /// <summary>What the certificate itself says, or null when there is none. Which roles are in use, and whether it is revoked, only the daemon knows.</summary>
    /// <exception cref="SshFormatException">The file holds something else.</exception>
    public CertificateInfo? ReadCertificate()
    {
        string line;
        try
        {
            line = File.ReadAllText(Certificate).Trim();
        }
        // Asking first whether it is there would not do: a logout can come between.
        catch (Exception absent) when (absent is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        var read = OpenSsh.Certificate.ParseLine(line);
        var (user, requests) = read.KeyId.Split(':', 2) is [var name, var ids] ? (name, ids.Split(',')) : (read.KeyId, []);
        return new CertificateInfo(
            read.Serial.ToString(), user, read.KeyId, [], requests, [.. read.Principals], Moment(read.ValidAfter), Moment(read.ValidBefore), LimitedBy: "", Revoked: false);
    }

    /// <summary>Whose the certificate at hand is, even when it has expired.</summary>
    public string? UserLoggedIn() => WellFormedCertificate()?.User;

    /// <summary>The requests that the certificate at hand draws on; none once it has expired.</summary>
    public string[] RequestsInUse(DateTimeOffset now) =>
        WellFormedCertificate() is { } certificate && now < certificate.ValidBefore ? certificate.Requests : [];

    /// <summary>Removes key and certificate; false when there was nothing.</summary>
    public bool Clear()
    {
        if (!Directory.Exists(Folder))
            return false;
        using var alone = HomeLock.Take(Folder);
        string[] present = [.. new[] { Certificate, PublicKey, Key }.Where(File.Exists)];
        foreach (var file in present)
            File.Delete(file);
        return present is not [];
    }

    private CertificateInfo? WellFormedCertificate()
    {
        try
        {
            return ReadCertificate();
        }
        catch (SshFormatException)
        {
            return null;
        }
    }

    private async Task MakeKey(string comment, CancellationToken cancellation)
    {
        // Certifies a key that is gone.
        File.Delete(Certificate);
        File.Delete(PublicKey);
        var temporary = Path.Combine(Folder, $"id.{Guid.NewGuid():n}");
        try
        {
            await Keygen.Make(temporary, comment, cancellation);
            File.Move(temporary + ".pub", PublicKey, overwrite: false);
            File.Move(temporary, Key, overwrite: false);
        }
        finally
        {
            File.Delete(temporary);
            File.Delete(temporary + ".pub");
        }
    }

    // A certificate may say "for ever"; a DateTimeOffset ends with the year 9999.
    private static DateTimeOffset Moment(ulong seconds) =>
        DateTimeOffset.FromUnixTimeSeconds((long)Math.Min(seconds, (ulong)DateTimeOffset.MaxValue.ToUnixTimeSeconds()));
}
