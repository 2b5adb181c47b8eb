using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl apply</c>: makes the resources what the files say.</summary>
internal sealed class ApplyCommand : CliCommand
{
    private readonly Argument<string[]> files = new("DIR")
    {
        Description = "Folders with *.yaml and *.yml files, or files; - is standard input",
        Arity = ArgumentArity.OneOrMore,
        CompletionSources = { Suggestions.Files },
    };
    private readonly Option<bool> dryRun = new("--dry-run") { Description = "Show what would change and what it would take away" };
    private readonly Option<bool> diff = new("--diff") { Description = "As --dry-run, with every field that would change" };
    private readonly Option<bool> prune = new("--prune")
    {
        Description = "Remove the roles, users and nodes that the files lack, of each kind that they have",
    };
    private readonly Option<bool> dropUnenforceable = new("--drop-unenforceable")
    {
        Description = "Leave out what restricts something that nobody here can enforce, and list it",
    };
    private readonly Option<bool> yes = new("--yes") { Description = "Do not ask before something is taken away" };
    private readonly HostsWait wait = new();

    public ApplyCommand()
        : base(
            "apply", "Makes roles, users, nodes and locks what the files say, all or none", "tctl apply policy/",
            "tctl apply policy/ --diff --prune", "tctl apply policy/ --prune --yes")
    {
        Arguments.Add(files);
        foreach (var option in (Option[])[dryRun, diff, prune, dropUnenforceable, yes, wait, new FormatOption()])
            Options.Add(option);
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        var read = await ResourceFiles.Read(parsed.GetValue(files)!, cancellation);
        var ask = new ApplyResources(
            read[0].Content, read[0].File, DropUnenforceable: parsed.GetValue(dropUnenforceable),
            More: read.Skip(1).ToArray() is [_, ..] more ? more : null, Mirror: true, Prune: parsed.GetValue(prune), DryRun: true);
        using var ca = ServerOption.Connect(parsed);
        var plan = await ca.Send(Routes.ApplyResources, ask, cancellation);
        if (parsed.GetValue(dryRun) || parsed.GetValue(diff))
        {
            if (FormatOption.IsJson(parsed))
                parsed.PrintJson(plan);
            else
                parsed.Print(ApplyPlan.Lines(plan, parsed.GetValue(diff)));
            foreach (var warning in plan.Warnings)
                parsed.Warn(warning);
            return ExitCode.Done;
        }
        if (ApplyPlan.TakesAway(plan) && !parsed.GetValue(yes))
            await Ask(parsed, plan, cancellation);
        var applied = await ca.Send(Routes.ApplyResources, ask with { DryRun = false }, cancellation);
        if (applied.Done is [])
            parsed.Say("everything is as the files say already");
        return await parsed.Show(applied, wait, ca, cancellation);
    }

    private static async Task Ask(ParseResult parsed, AppliedResources plan, CancellationToken cancellation)
    {
        foreach (var line in ApplyPlan.Lines(plan, withFields: false))
            parsed.Say(line);
        if (!Prompt.IsPossible)
            throw new FailureException("this takes something away; nothing was changed", "--yes applies it without a question");
        if (await Prompt.Line(parsed, "apply it? [y/N] ", cancellation) is not ("y" or "Y" or "yes"))
            throw new FailureException("nothing was changed");
    }
}
