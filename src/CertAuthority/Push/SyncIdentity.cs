using System.Security.Cryptography;
using System.Text;
using CertAuthority.Access.Issuance;
using CertAuthority.Access.Values;
using CertAuthority.Linux;
using CertAuthority.OpenSsh;
using CertAuthority.Protocol;
using CertAuthority.Signing;
using CertAuthority.Store;

namespace CertAuthority.Push;

/// <summary>
/// The daemon's identity on hosts: a file with a key of this process, and next to it a certificate that is renewed every few minutes.
/// </summary>
/// <param name="database">The database in which certificates are recorded before they are signed.</param>
/// <param name="clock">Decides when to renew the certificate.</param>
/// <param name="keys">The keys for its certificates, of which one signs them now.</param>
/// <param name="directory">The directory of the files; only the daemon can enter it.</param>
internal sealed class SyncIdentity(Database database, TimeProvider clock, CurrentKeys keys, string directory) : IDisposable
{
    private readonly SemaphoreSlim turn = new(1);
    private SignatureKey? key;
    private Written? issued;
    private Written? issuedForJumps;

    /// <summary>The path of the private key.</summary>
    public string KeyFile => Path.Combine(directory, "id");

    /// <summary>The path of the certificate.</summary>
    public string CertificateFile => Path.Combine(directory, "id-cert.pub");

    /// <summary>The path of the certificate that passes jump hosts.</summary>
    public string JumpCertificateFile => Path.Combine(directory, "jump-cert.pub");

    /// <summary>Returns when the files exist and are valid for the next minutes.</summary>
    /// <param name="jumps">Whether the certificate that passes jump hosts is needed too.</param>
    /// <param name="stopping">Cancels the wait when the daemon shuts down.</param>
    /// <exception cref="ProblemException">A certificate could not be recorded or signed, so there is none.</exception>
    /// <exception cref="IOException">The disk failed or is full.</exception>
    public async Task Refresh(bool jumps, CancellationToken stopping)
    {
        await turn.WaitAsync(stopping);
        try
        {
            var now = DateTimeOffset.FromUnixTimeSeconds(clock.GetUtcNow().ToUnixTimeSeconds());
            var ca = keys.Now.Sync;
            if (IsWorn(issued, ca, now))
                issued = await Write(ca, SyncCertification.Decide(now), CertificateFile, now);
            if (jumps && IsWorn(issuedForJumps, ca, now))
                issuedForJumps = await Write(ca, SyncCertification.DecideForJumps(now), JumpCertificateFile, now);
        }
        finally
        {
            turn.Release();
        }
    }

    public void Dispose() => turn.Dispose();

    private static bool IsWorn(Written? before, CaKeys ca, DateTimeOffset now) =>
        before is null || before.Signer != ca.Signing || SyncCertification.IsWorn(before.At, now);

    private async Task<Written> Write(CaKeys ca, SyncGrant grant, string file, DateTimeOffset now)
    {
        key ??= ThrowawayKey.Write(KeyFile);
        await ca.Signing.ExpectUsable();
        var line = Certificate.ToLine(await ca.Signing.Sign(await Record(ca, grant, key, now)), Names.DaemonsLogin);
        AtomicFile.Replace(file, Encoding.ASCII.GetBytes(line + "\n"), AtomicFile.OwnerOnly);
        return new Written(now, ca.Signing);
    }

    private Task<ToBeSigned> Record(CaKeys ca, SyncGrant grant, SignatureKey subject, DateTimeOffset now)
    {
        var nonce = RandomNumberGenerator.GetBytes(CertificateContent.NonceLength);
        return database.Commit(transaction =>
        {
            var toBeSigned = ToBeSigned.From(grant, transaction.NextSerial(), nonce, subject, ca.Signing.PublicKey);
            transaction.InsertSyncCertificate(toBeSigned.Certificate.Serial, now, grant.Validity, ca.SigningId, toBeSigned.Bytes);
            transaction.Audit(AuditEvents.SyncCertificateIssued.At(now) with
            {
                Serial = toBeSigned.Certificate.Serial.ToString(),
                Principals = [grant.Principal],
                ValidBefore = grant.Validity.Before,
                LimitedBy = grant.Validity.LimitedBy,
                Digest = toBeSigned.Digest,
            });
            return toBeSigned;
        }, takesAway: true);
    }

    /// <summary>A certificate in its file.</summary>
    /// <param name="At">When it was signed.</param>
    /// <param name="Signer">The CA key that signed it.</param>
    private sealed record Written(DateTimeOffset At, CaKey Signer);
}
