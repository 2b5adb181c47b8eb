using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl auth rotate</c>: takes the next step of the rotation of a CA key, or shows how far it is.</summary>
internal sealed class AuthRotateCommand : CliCommand
{
    private const string Never = "never";

    private static readonly string[] Keys = ["user", "host", "sync"];

    private readonly Argument<string?> key = new("KEY")
    {
        Description = "Which CA key: user, host or sync",
        Arity = ArgumentArity.ZeroOrOne,
        CompletionSources = { Keys }
    };
    private readonly Option<bool> status = new("--status") { Description = "Only show how far it is; of all keys without KEY" };
    private readonly Option<bool> back = new("--back") { Description = "Go one step back" };
    private readonly ListOption abandon = new("--abandon", "Hosts to leave behind, although they have not confirmed", "NODE");
    private readonly ListOption confirm = new(
        "--confirm", "Hosts of which you know that they trust the keys they should, such as those that fetch", "NODE");
    private readonly Option<string?> schedule = new("--schedule")
    {
        HelpName = "TIME|never",
        Description = "Take each further step by itself from then on, as soon as it can be taken: a time such as 2027-01-31T18:00, in UTC",
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (text != Never && text.Length > 0 && TimeOption.Complete(text) is null)
                result.AddError($"--schedule takes a time such as 2027-01-31T18:00:00Z, or {Never}, not '{text}'");
            return text == Never ? text : TimeOption.Complete(text);
        },
    };
    private readonly Option<bool> compromised = new("--compromised")
    {
        Description =
            "Somebody else may have the key: revoke it with whatever may have been beside it and all that they signed, and make a fresh one; asks first"
    };
    private readonly Option<bool> yes = new("--yes") { Description = "With --compromised: do not ask" };

    public AuthRotateCommand()
        : base(
            "rotate",
            "Changes a CA key, step by step, so that nobody is locked out: the next key is made and trusted, then signs, then the old one goes",
            "tctl auth rotate user",
            "tctl auth rotate --status",
            "tctl auth rotate user --confirm=web1,web2",
            "tctl auth rotate user --abandon=db7",
            "tctl auth rotate user --back",
            "tctl auth rotate user --compromised")
    {
        Arguments.Add(key);
        foreach (var option in (Option[])[status, back, abandon, confirm, schedule, compromised, yes])
            Options.Add(option);
        Options.Add(new FormatOption());
        Validators.Add(result =>
        {
            var named = result.GetResult(key) is { Tokens: [var token, ..] } ? token.Value : null;
            if (named is not null && !Keys.Contains(named))
                result.AddError($"KEY takes user, host or sync, not '{named}'");
            if (named is null && !result.GetValue(status))
                result.AddError("say which key: user, host or sync; --status shows how far each is");
            string[] acts =
            [
                .. ((Option[])[status, back, confirm, schedule, compromised]).Where(one => result.GetResult(one) is { Implicit: false })
                    .Select(one => one.Name)];
            if (acts.Length > 1)
                result.AddError($"{acts[0]} and {acts[1]} exclude each other");
            if (acts.Length > 0 && result.GetResult(abandon) is not null)
                result.AddError($"--abandon goes with a step forward, not with {acts[0]}");
            if (result.GetValue(yes) && !result.GetValue(compromised))
                result.AddError("--yes goes with --compromised");
        });
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        var (rotations, compromisedKeys) = await ca.Send(Routes.ListRotations, new ListRotations(), cancellation);
        var name = parsed.GetValue(key);
        if (parsed.GetValue(status))
            return Show(parsed, [.. rotations.Where(one => name is null || one.Key == name)]);
        var ask = Ask(parsed, name!, Array.Find(rotations, one => one.Key == name));
        if (parsed.GetValue(compromised) && !parsed.GetValue(yes))
            ask = ask with { Keys = await Confirm(parsed, name!, compromisedKeys?.Where(one => one.Key == name).ToArray(), cancellation) };
        var rotated = await ca.Send(Routes.RotateKey, ask, cancellation);
        if (FormatOption.IsJson(parsed))
            parsed.PrintJson(rotated);
        else
            parsed.Print(Words(ask, rotated));
        return Unreached(parsed, ask, rotated);
    }

    private RotateKey Ask(ParseResult parsed, string name, KeyRotation? rotation)
    {
        if (parsed.GetValue(compromised))
            return new RotateKey(name, RotationActs.Compromised);
        if (parsed.GetValue(back))
            return new RotateKey(name, RotationActs.Back);
        if (confirm.Given(parsed) is { } confirmed)
            return new RotateKey(name, RotationActs.Confirm, confirmed);
        if (parsed.GetResult(schedule) is not null)
            return new RotateKey(name, RotationActs.Schedule, At: parsed.GetValue(schedule) is Never ? null : parsed.GetValue(schedule));
        if (rotation is null && abandon.Given(parsed) is not null)
            throw new FailureException(
                $"no rotation of the {name} CA key is under way, so there is nothing to leave a host behind in", NextStepText.Rotate(name));
        var act = rotation?.Step switch { null => RotationActs.Prepare, "prepared" => RotationActs.Switch, _ => RotationActs.Retire };
        return new RotateKey(name, act, abandon.Given(parsed));
    }

    private static int Show(ParseResult parsed, KeyRotation[] rotations)
    {
        if (FormatOption.IsJson(parsed))
            parsed.PrintJson(new RotationList(rotations));
        else if (rotations is [])
            parsed.Say("no rotation is under way");
        else
            parsed.Print(rotations.SelectMany(RotationText.Lines));
        return ExitCode.Done;
    }

    private static IEnumerable<string> Words(RotateKey ask, KeyRotated rotated)
    {
        if (rotated.Rotation is { } rotation)
            return RotationText.Lines(rotation);
        if (ask.Act == RotationActs.Confirm)
            return [$"confirmed: {string.Join(", ", ask.Nodes!)}"];
        var revoked = rotated.Revoked > 0 ? $"; {Wording.Count(rotated.Revoked, "certificate")} revoked" : "";
        return ask.Act == RotationActs.Back
            ? [$"the {ask.Key} CA key is {rotated.Signing}, as before; the next one is gone"]
            : [
                $"the {ask.Key} CA key is now {rotated.Signing}, and no other{revoked}",
                .. (rotated.RevokedKeys ?? []).Select(key => $"  revoked: {key}")];
    }

    private static int Unreached(ParseResult parsed, RotateKey ask, KeyRotated rotated)
    {
        var isOver = rotated.Rotation is null && ask.Act is not (RotationActs.Back or RotationActs.Confirm);
        if (isOver)
            parsed.Hint(
                $"the old key lies in {ask.Key}_ca_previous in the data directory; destroy it, and copy the new one with your backups");
        if (ask is { Key: "host", Act: RotationActs.Compromised } && $"--accept-host-ca={rotated.Signing}" is var accepting)
            parsed.Hint($"no laptop believes the new key by itself; read its fingerprint out to everybody, for: tsh login {accepting}");
        foreach (var host in rotated.Unreached)
            parsed.Warn($"{host.Name} does not have the new files yet: {host.Failure ?? "it has not answered"}");
        if (ask.Act != RotationActs.Compromised || rotated.Unreached is [])
            return ExitCode.Done;
        parsed.Complain(
            $"{Wording.Count(rotated.Unreached.Length, "host")} still {(rotated.Unreached.Length == 1 ? "trusts" : "trust")} the compromised key: {Wording.Some([.. rotated.Unreached.Select(host => host.Name)])}",
            "the daemon goes on trying; tctl nodes ls shows how each host fares; cut off those that stay away");
        return ExitCode.Failed;
    }

    /// <summary>Asks whether the keys are meant, each by its fingerprint.</summary>
    /// <returns>The fingerprints; null from a daemon that does not name them.</returns>
    private static async Task<string[]?> Confirm(ParseResult parsed, string name, CompromisedKey[]? keys, CancellationToken cancellation)
    {
        var certain = $"{NextStepText.Rotate(name)} --compromised --yes";
        if (keys is [_, ..])
            parsed.Say($"every {name} CA key that may be known to others is revoked, and a fresh one is made:");
        foreach (var key in keys ?? [])
            parsed.Say($"  {key.Fingerprint} ({key.State})");
        if (!Prompt.IsPossible)
            throw new FailureException(
                "--compromised ends all that the key ever signed, and nobody is at a terminal to confirm it", certain, ExitCode.Usage);
        if (await Prompt.Line(
            parsed, $"replace the {name} CA key, and end everything that it signed? [y/N] ", cancellation) is not ("y" or "Y" or "yes"))
            throw new FailureException("nothing has been changed", certain);
        return keys?.Select(key => key.Fingerprint).ToArray();
    }
}
