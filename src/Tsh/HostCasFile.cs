using System.Collections.Immutable;
using System.CommandLine;
using System.Text;
using CertAuthority.Linux;
using CertAuthority.OpenSsh;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>The file with the host CA keys that ssh believes. It follows the daemon as far as <see cref="HostCas"/> allows.</summary>
/// <param name="path">The path of the file.</param>
/// <param name="login">The command that writes the file, without the option that accepts keys.</param>
internal sealed class HostCasFile(string path, string login)
{
    /// <summary>The option of <c>tsh login</c> that accepts keys.</summary>
    public const string Accepting = "--accept-host-ca";

    /// <summary>The path of the file.</summary>
    public string Path => path;

    /// <summary>The installation whose keys are in the file; null if none is.</summary>
    public string? Installation => HostCas.Read(AtomicFile.Read(path)).Installation;

    /// <summary>Whether what is in the file is of another daemon, which the user has just left.</summary>
    public bool IsOfAnother { get; init; }

    /// <summary>Brings the file up to date, and says which keys it does not take, and how to.</summary>
    /// <param name="parsed">The command line, for what is said.</param>
    /// <param name="ca">The daemon.</param>
    /// <param name="named">The keys that the daemon named with a login, as lines; null if it named none.</param>
    /// <param name="accepted">The fingerprints that the user accepts; null for none.</param>
    /// <param name="cancellation">Cancels the work when the user interrupts it.</param>
    /// <exception cref="FailureException">The daemon has none of the keys that the user accepts, and no other that is believed.</exception>
    public async Task Follow(
        ParseResult parsed, CaClient ca, IEnumerable<string>? named, string[]? accepted, CancellationToken cancellation)
    {
        var known = IsOfAnother ? new HostCas([], null) : HostCas.Read(AtomicFile.Read(path));
        var offered = named is null ? null : new HostCas(Parsed(named), known.Installation);
        string[] statements = [];
        if (offered is null || known.Installation is null || offered.Keys.Except(known.Keys).Any())
        {
            var all = await ca.Send(Routes.GetHostCas, new GetHostCas(), cancellation);
            offered = new HostCas(Parsed(all.Keys.Select(key => key.PublicKey)), all.Installation);
            statements = all.Statements ?? [];
        }
        var isFirst = known.Keys.IsEmpty && accepted is null;
        ImmutableArray<PublicKey> approved = accepted is null
            ? []
            : [.. offered.Keys.Where(key => accepted.Contains(HostCas.Fingerprint(key)))];
        // Whoever has compared a fingerprint has said whose keys these are.
        var basis = new HostCas(
            isFirst ? offered.Keys : [.. known.Keys.Union(approved)],
            approved.IsEmpty ? known.Installation ?? offered.Installation : offered.Installation);
        var reached = offered.Keys.All(basis.Keys.Contains)
            ? basis.Keys.ToHashSet()
            : await basis.Reached(statements, one => IsSigned(one, cancellation));
        var (after, unproven) = basis.Follow(offered, reached);
        if (accepted is not null && !offered.Keys.Any(reached.Contains))
            throw new FailureException(
                $"the daemon has no host CA key {string.Join(" or ", accepted)}; it names {string.Join(", ", offered.Keys.Select(HostCas.Fingerprint))}",
                "ask an administrator which is right: tctl status shows it");
        var text = after.ToString();
        if (!after.Keys.IsEmpty && AtomicFile.Read(path) != text)
            AtomicFile.Replace(path, Encoding.UTF8.GetBytes(text), AtomicFile.OwnerOnly);
        if (unproven is [_, ..])
        {
            var fingerprints = string.Join(',', unproven.Select(HostCas.Fingerprint));
            parsed.Warn(
                $"no host CA key that you have vouches for {fingerprints}, so its hosts are not believed; compare this with what an administrator reads out, then: {login} {Accepting}={fingerprints}");
        }
    }

    private static ImmutableArray<PublicKey> Parsed(IEnumerable<string> lines) =>
        [.. lines.Select(line => PublicKey.ParseLine(line))];

    /// <summary>Has ssh-keygen verify the signature of a statement.</summary>
    private static async Task<bool> IsSigned(HostCaStatement statement, CancellationToken cancellation)
    {
        var folder = Directory.CreateTempSubdirectory("tsh-");
        try
        {
            var (signers, signature) = (System.IO.Path.Combine(folder.FullName, "signers"), System.IO.Path.Combine(folder.FullName, "sig"));
            await File.WriteAllTextAsync(signers, $"old namespaces=\"{HostCaStatement.Purpose}\" {statement.Old}\n", cancellation);
            await File.WriteAllTextAsync(signature, statement.Signature.Armored, cancellation);
            var keygen = new ChildProcess(
                "ssh-keygen", ["-Y", "verify", "-f", signers, "-I", "old", "-n", HostCaStatement.Purpose, "-s", signature])
            {
                Input = Encoding.ASCII.GetBytes(statement.Text),
            };
            return (await keygen.Run(cancellation)).ExitCode == 0;
        }
        catch (IOException)
        {
            throw new FailureException("ssh-keygen cannot be started", "install the OpenSSH client");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
