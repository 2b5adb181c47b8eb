using System.Collections.Immutable;
using System.Diagnostics;
using CertAuthority.Configuration;
using CertAuthority.Keys;
using CertAuthority.OpenSsh;

namespace CertAuthority.Signing;

/// <summary>
/// A CA key in an ssh-agent, or in anything that speaks its protocol: a token, an HSM, a signer on another account. The agent is never
/// believed: the key is the one that the configuration names, and every signature is verified. After a failed attempt, callers are refused
/// at once for a second, so that a hanging agent does not hold them up one after the other.
/// </summary>
internal sealed class AgentCaKey : CaKey
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Proven = TimeSpan.FromMinutes(1);

    // With the time that a refusal may have taken, a caller still has an answer within 5 s.
    private static readonly TimeSpan SecondLook = TimeSpan.FromMilliseconds(900);

    private readonly AgentClient agent;
    private readonly SignatureKey publicKey;
    private readonly SemaphoreSlim checking = new(1);
    private long failed;
    private long signed;

    private AgentCaKey(AgentClient agent, SignatureKey publicKey) => (this.agent, this.publicKey) = (agent, publicKey);

    internal override SignatureKey PublicKey => publicKey;

    internal override (string Form, string Path) Custody => ("agent", agent.Path);

    /// <summary>Finds the key in the agent, and has it sign once.</summary>
    /// <exception cref="CaKeyException">
    /// The agent does not answer, does not have the key, or does not sign with it; or the key is of a kind that no CA can have.
    /// </exception>
    internal static async Task<AgentCaKey> Open(KeyCustody.InAgent custody, CaPurpose signs)
    {
        var agent = new AgentClient(custody.Socket);
        try
        {
            var key = new AgentCaKey(agent, await Find(agent, custody.Fingerprint)) { Signs = signs };
            await key.Check();
            return key.Fault is { } fault ? throw new CaKeyException($"{signs.FileName()}: {fault}") : key;
        }
        catch (Exception e)
        {
            agent.Dispose();
            throw e switch
            {
                AgentException silent => new CaKeyException(
                    $"{signs.FileName()}: the agent at {agent.Path} {silent.Message}; start it, and load the key with {Load(agent.Path)}"),
                SshFormatException malformed => new CaKeyException(
                    $"{signs.FileName()}: the key in the agent at {agent.Path} cannot be used: {malformed.Message}"),
                AbsentException absent => new CaKeyException(
                    $"{signs.FileName()}: {absent.Message}; load it with {Load(agent.Path)}, or correct {signs.FileName()}.fingerprint"),
                _ => e,
            };
        }
    }

    /// <summary>
    /// Has the agent sign a text that is no certificate. It is asked at most once a second after a failure, and once a minute otherwise, or
    /// never while it signs certificates. Callers who look at the same time wait for one answer.
    /// </summary>
    internal override async Task Check()
    {
        await checking.WaitAsync();
        try
        {
            if (Fault is not null && failed != 0 && Stopwatch.GetElapsedTime(failed) < Pause)
                return;
            if (Fault is null && signed != 0 && Stopwatch.GetElapsedTime(signed) < Proven)
                return;
            var why = await WhyNot();
            if (why is null)
                signed = Stopwatch.GetTimestamp();
            else
                failed = Stopwatch.GetTimestamp();
            Found(why);
        }
        catch (AgentBusyException)
        {
            // It answers others.
        }
        finally
        {
            checking.Release();
        }
    }

    public override void Dispose()
    {
        agent.Dispose();
        checking.Dispose();
    }

    private protected override async ValueTask<(string Algorithm, byte[] Blob)?> SignBytes(byte[] toBeSigned)
    {
        try
        {
            if (AgentMessages.ReadSignature(await agent.Ask(AgentMessages.ToSign(publicKey, toBeSigned))) is { } signature)
            {
                signed = Stopwatch.GetTimestamp();
                return signature;
            }
            if (await RefusesEverything() is { } why)
                throw Failed(why);
            return null;
        }
        catch (AgentBusyException)
        {
            throw Unavailable();
        }
        catch (AgentException silent)
        {
            throw Failed($"the agent at {agent.Path} {silent.Message}");
        }
        catch (SshFormatException malformed)
        {
            throw Failed($"the agent at {agent.Path} does not answer with a signature: {malformed.Message}");
        }
    }

    /// <summary>
    /// Tells an agent that cannot sign at all from one that refuses a certificate. Otherwise one caller whose certificate is refused would
    /// have the key count as unusable for everybody.
    /// </summary>
    private async Task<string?> RefusesEverything()
    {
        try
        {
            return await WhyNot().WaitAsync(SecondLook);
        }
        catch (Exception e) when (e is TimeoutException or AgentBusyException)
        {
            return $"the agent at {agent.Path} refuses to sign";
        }
    }

    private protected override Exception Faulty() => Failed($"the agent at {agent.Path} made a signature that the key does not verify");

    private Protocol.ProblemException Failed(string why)
    {
        failed = Stopwatch.GetTimestamp();
        Found(why);
        return Unavailable();
    }

    /// <summary>Asks for a signature. Returns why the agent cannot be used, or null.</summary>
    private async Task<string?> WhyNot()
    {
        try
        {
            // An agent without the key, or one that is locked, only says that it failed.
            if (AgentMessages.ReadSignature(await agent.Ask(AgentMessages.ToSign(publicKey, Signature.Probe))) is not { } signature)
            {
                await Find(agent, Fingerprint.Compute(publicKey));
                return $"the agent at {agent.Path} has the key, and refuses to sign with it";
            }
            return Signature.Verifies(publicKey, Signature.Probe, signature.Algorithm, signature.Blob)
                ? null
                : $"the agent at {agent.Path} made a signature that the key does not verify";
        }
        catch (AgentException silent)
        {
            return $"the agent at {agent.Path} {silent.Message}";
        }
        catch (SshFormatException malformed)
        {
            return $"the agent at {agent.Path} does not answer with a signature: {malformed.Message}";
        }
        catch (AbsentException absent)
        {
            return $"{absent.Message}; load it with {Load(agent.Path)}";
        }
    }

    private static async Task<SignatureKey> Find(AgentClient agent, string fingerprint)
    {
        ImmutableArray<AgentIdentity> keys = AgentMessages.ReadIdentities(await agent.Ask(AgentMessages.ListRequest));
        string[] found = [.. keys.Select(key => Fingerprint.Compute([.. key.Blob]))];
        if (Array.IndexOf(found, fingerprint) is >= 0 and var n)
            return RsaPrivateKey.ExpectFits(SignatureKey.Parse([.. keys[n].Blob]));
        throw new AbsentException(
            $"the agent at {agent.Path} does not have the key {fingerprint}{(found is [] ? "; it has none" : $"; it has {string.Join(", ", found.Take(5))}")}");
    }

    private static string Load(string socket) => $"SSH_AUTH_SOCK={socket} ssh-add KEY";

    /// <summary>The agent does not have the key.</summary>
    private sealed class AbsentException(string message) : Exception(message);
}
