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
    private DateTimeOffset? issued;
    private CaKey? signer;

    /// <summary>The path of the private key.</summary>
    public string KeyFile => Path.Combine(directory, "id");

    /// <summary>The path of the certificate.</summary>
    public string CertificateFile => Path.Combine(directory, "id-cert.pub");

    /// <summary>Returns when both files exist and are valid for the next minutes.</summary>
    /// <exception cref="ProblemException">The certificate could not be recorded or signed, so there is none.</exception>
    /// <exception cref="IOException">The disk failed or is full.</exception>
    public async Task Refresh(CancellationToken stopping)
    {
        await turn.WaitAsync(stopping);
        try
        {
            var now = DateTimeOffset.FromUnixTimeSeconds(clock.GetUtcNow().ToUnixTimeSeconds());
            var ca = keys.Now.Sync;
            if (issued is { } before && signer == ca.Signing && !SyncCertification.IsWorn(before, now))
                return;
            key ??= ThrowawayKey.Write(KeyFile);
            await ca.Signing.ExpectUsable();
            var line = Certificate.ToLine(await ca.Signing.Sign(await Record(ca, key, now)), Names.DaemonsLogin);
            AtomicFile.Replace(CertificateFile, Encoding.ASCII.GetBytes(line + "\n"), AtomicFile.OwnerOnly);
            (issued, signer) = (now, ca.Signing);
        }
        finally
        {
            turn.Release();
        }
    }

    public void Dispose() => turn.Dispose();

    private Task<ToBeSigned> Record(CaKeys ca, SignatureKey subject, DateTimeOffset now)
    {
        var nonce = RandomNumberGenerator.GetBytes(CertificateContent.NonceLength);
        return database.Commit(transaction =>
        {
            var grant = SyncCertification.Decide(now);
            var toBeSigned = ToBeSigned.From(grant, transaction.NextSerial(), nonce, subject, ca.Signing.PublicKey);
            transaction.InsertSyncCertificate(toBeSigned.Certificate.Serial, now, grant.Validity, ca.SigningId, toBeSigned.Bytes);
            transaction.Audit(AuditEvents.SyncCertificateIssued.At(now) with
            {
                Serial = toBeSigned.Certificate.Serial.ToString(),
                Principals = [Names.DaemonsLogin],
                ValidBefore = grant.Validity.Before,
                LimitedBy = grant.Validity.LimitedBy,
                Digest = toBeSigned.Digest,
            });
            return toBeSigned;
        }, takesAway: true);
    }
}
